import { head } from './bad-configurations.ts'

const metric = (spec: string) =>
  `${head('MetricTemplate', 'm')}spec:\n${spec.replace(/^/gm, '  ')}\n`
const prometheus = 'provider: { type: prometheus, address: "https://prom.example" }\nquery: up\n'
const provider = (spec: string) =>
  `${head('NotificationProvider', 'n')}spec:\n${spec.replace(/^/gm, '  ')}\n`
const alert = (spec: string) => `${head('Alert', 'a')}spec:\n${spec.replace(/^/gm, '  ')}\n`

/** What people get wrong in measuring and telling; as in bad-configurations.ts. */
export const badAlerts: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'metric: every value is good',
    metric(`${prometheus}success: {}`),
    '8:12',
    /give `min` or `max`/,
  ],
  [
    'metric: a reference that is not closed',
    metric(
      `${prometheus.replace('query: up', 'query: \'up{c="${cluster.name"\'')}success: { min: 1 }`,
    ),
    '7:10',
    /\$\{cluster\.name" is not closed; write \} after the name/,
  ],
  [
    'alert: a reference that is not closed',
    alert("providers: [n]\neventSources: [{ kind: Fleet }]\ntemplate: '${name}: ${message'"),
    '8:13',
    /\$\{message is not closed/,
  ],
  [
    'metric: no value is good',
    metric(`${prometheus}success: { min: 2, max: 1 }`),
    '8:19',
    /2 is more than `max`, 1/,
  ],
  [
    'metric: text for a number',
    metric(`${prometheus}success: { min: "1" }`),
    '8:19',
    /"1" is not a number/,
  ],
  [
    'metric: count of none',
    metric(`${prometheus}success: { min: 1 }\ncount: 0`),
    '9:10',
    /0 is not a whole number from 1 to 1000/,
  ],
  ...(
    [
      ['of this machine', 'http://127.1:9090', /127\.0\.0\.1 is the hub's own machine/],
      ['of this machine in hex', 'http://0x7f000001/', /127\.0\.0\.1 is the hub's own machine/],
      ['of this machine by IPv6', 'http://[::1]/', /\[::1\] is the hub's own machine/],
      ['of this machine with a dot', 'http://localhost./', /localhost is the hub's own machine/],
      [
        'of a cloud',
        'http://169.254.169.254/',
        /link-local address, where clouds keep credentials/,
      ],
      ['of a cloud by IPv6', 'http://[::ffff:169.254.169.254]/', /link-local address/],
      ['with a password', 'https://me:pw@prom.example', /name a `credential` instead/],
      ['of another scheme', 'file:///etc/passwd', /is not an address such as https:/],
      ['of nothing', 'prom.example', /is not an address such as https:/],
    ] as const
  ).map(
    ([what, address, words]) =>
      [
        `B31: an address ${what}`,
        metric(prometheus.replace('https://prom.example', address) + 'success: { min: 1 }'),
        '6:42',
        words,
      ] as const,
  ),
  ['provider: webhook without address', provider('type: webhook'), '6:3', /needs `address`/],
  [
    'provider: Slack with its secret in Git',
    provider('type: slack\naddress: https://hooks.slack.com/services/a/b\ncredential: c'),
    '7:12',
    /name a `credential` that holds it/,
  ],
  ['provider: Slack without credential', provider('type: slack'), '6:3', /needs `credential`/],
  [
    'provider: email by https',
    provider('type: email\naddress: https://mail.example\nfrom: a@b.example\nto: [c@d.example]'),
    '7:12',
    /is not an address such as smtps:/,
  ],
  [
    'provider: email to nobody',
    provider('type: email\naddress: smtps://mail.example:465\nfrom: a@b.example'),
    '6:3',
    /needs `to`/,
  ],
  [
    'provider: receivers of a webhook',
    provider('type: webhook\naddress: https://a.example/\nto: [c@d.example]'),
    '8:7',
    /`to` is for email providers only/,
  ],
  [
    'alert: unknown provider',
    alert('providers: [ops]\neventSources:\n  - kind: Rollout'),
    '6:15',
    /there is no NotificationProvider "ops"/,
  ],
  [
    'alert: unknown application',
    alert('providers: [ops]\neventSources:\n  - { kind: Application, name: shpo }'),
    '8:34',
    /there is no Application "shpo", did you mean "shop"\?/,
  ],
  [
    'alert: a template with a word it does not know',
    alert('providers: [n]\ntemplate: "${nope}"\neventSources:\n  - kind: Rollout'),
    '7:13',
    /\$\{nope\} is not known; there are type, severity/,
  ],
  [
    'alert: a group of clusters, of applications',
    alert('providers: [n]\neventSources:\n  - { kind: Application, clusterGroup: all }'),
    '8:42',
    /`clusterGroup` is for clusters only/,
  ],
  [
    'alert: severity',
    alert('providers: [ops]\nseverity: warn\neventSources:\n  - kind: Rollout'),
    '7:13',
    /"warn" is not one of info, warning, error/,
  ],
]
