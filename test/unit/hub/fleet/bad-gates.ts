import { head, withWave } from './bad-configurations.ts'

const gate = (text: string) => withWave(`name: one\nselector: {}\nafter:\n  - ${text}`)
const metric = (query: string, rest = '') =>
  `${head('MetricTemplate', 'm')}spec:
  provider: { type: prometheus, address: "https://prom.example" }
  success: { max: 1 }
  query: ${query}
${rest}`

/** What people get wrong in gates; as in bad-configurations.ts. */
export const badGates: readonly (readonly [string, string, string, RegExp])[] = [
  ['gate of no kind', gate('{}'), '10:11', /a gate is exactly one of approval, soak, metric/],
  ['gate of two kinds', gate('{ soak: 1m, approval: {} }'), '10:11', /several are several items/],
  [
    'gate: unknown metric',
    gate('metric: { template: erors }'),
    '10:31',
    /there is no MetricTemplate "erors"/,
  ],
  ['gate: nobody approves', gate('approval: { count: 0 }'), '10:30', /from 1 to 20/],
  [
    'gate: CEL that does not parse',
    gate('cel: { expression: "fleet.connected >" }'),
    '10:30',
    /character \d+: /,
  ],
  [
    'gate: CEL on something else',
    gate('cel: { expression: "cluster.name == 1" }'),
    '10:30',
    /Unknown variable: cluster/,
  ],
  [
    'gate: CEL that is no condition',
    gate('cel: { expression: "1 + 1" }'),
    '10:30',
    /must be true or false/,
  ],
  [
    'gate: CEL too often',
    gate('cel: { expression: "true", interval: 10ms }'),
    '10:48',
    /"10ms" is shorter than 1s/,
  ],
  [
    'B31: webhook of this machine',
    gate('webhook: { url: "http://127.0.0.1/x", credential: c }'),
    '10:27',
    /the hub's own machine/,
  ],
  [
    'webhook without a secret to sign with',
    gate('webhook: { url: "https://x.example" }'),
    '10:11',
    /`credential` is missing/,
  ],
  [
    'metric: reference to nothing',
    metric('up{c="${cluster.region}"}'),
    '8:10',
    /\$\{cluster.region\} is not known where it is asked per cluster/,
  ],
  [
    'metric: one cluster where the wave is asked',
    metric('up{c="${cluster.name}"}', '  per: wave\n'),
    '8:10',
    /there are \$\{application\}, \$\{wave.name\}, \$\{wave.clusters\}/,
  ],
]
