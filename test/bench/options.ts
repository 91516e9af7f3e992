import { parseArgs } from 'node:util'
import {
  type LoadFidelity,
  type LoadProgram,
  parseLoadFidelity,
  parseLoadProgram,
} from './load-process.ts'

export const benchNames = [
  ...(['propagation', 'wire', 'reconnect', 'idle', 'check', 'monorepo', 'render'] as const),
  ...(['agent', 'drift', 'apply', 'ui', 'rollout', 'rest', 'status', 'start'] as const),
] as const
export type BenchName = (typeof benchNames)[number]

/** What `npm run bench -- …` was asked for. */
export interface BenchOptions {
  readonly name: BenchName
  /** Agents; several numbers only where a slope is measured. */
  readonly clusters: readonly number[]
  /** What stands behind the agents. */
  readonly fidelity: LoadFidelity
  /** What the agents are. */
  readonly load: LoadProgram
  /** Measured runs; one more before them warms up. */
  readonly runs: number
  /** Of a rollout. */
  readonly waves: number
  /** Rollouts at once. */
  readonly concurrent: number
  /** Seconds without anything happening, before and while something idle is measured. */
  readonly quiet: number
  readonly json: boolean
  readonly calibrate: boolean
}

/** Above this, applying to clusters in memory costs more than what is measured. */
const mostInMemory = 500

/** Of a benchmark that runs with one number of agents. */
export interface SizedOptions extends Pick<BenchOptions, 'fidelity' | 'load' | 'runs'> {
  readonly clusters: number
}

export const usage = `npm run bench -- NAME [--clusters N] [--fidelity B|C] [--load node|go] [--runs N] [--json] [--no-calibrate]

  NAME            ${benchNames.join(', ')}
  --clusters N    agents; 200 when left out. idle: rising numbers, N,M,…; 200,600,1000 when left out
  --fidelity F    B: agents on clusters in memory; C: agents that count as applied what they
                  verified. propagation: C above ${mostInMemory} agents when left out; status: C; else B
  --load L        node: the agent's own code. go, for C alone and when left out there: one that verifies
                  and answers as it does (test/load), so that it takes a fraction of the machine
  --waves N       rollout: waves of each; 10 when left out
  --concurrent N  rollout: rollouts at once, each to all clusters; 1 when left out
  --runs N        measured runs after one that warms up; 5 when left out
  --quiet S       idle: seconds of quiet for each number of agents, after half as many to settle; 60 when left out
  --json          one JSON object as the last line of stdout, instead of a table
  --no-calibrate  leave out how fast this machine is; all of it is null then
`

const limits = {
  ...{ clusters: 20_000, runs: 100, quiet: 3_600 },
  ...{ waves: 200, concurrent: 1_000 },
} as const

/** Command-line words → options; undefined when help was asked for. @throws Error in words */
export function parseOptions(argv: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    allowNegative: true,
    options: {
      clusters: { type: 'string' },
      fidelity: { type: 'string' },
      load: { type: 'string' },
      waves: { type: 'string', default: '10' },
      concurrent: { type: 'string', default: '1' },
      quiet: { type: 'string', default: '60' },
      runs: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
      calibrate: { type: 'boolean', default: true },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const [name, ...more] = positionals
  if (!isBenchName(name) || more.length > 0) {
    throw new Error(`name one benchmark: ${benchNames.join(', ')}`)
  }
  const clusters = parseClusters(name, values.clusters)
  const manyAgents = name === 'propagation' && clusters[0]! > mostInMemory
  const fidelity = parseLoadFidelity(
    values.fidelity ?? (manyAgents || name === 'status' ? 'C' : 'B'),
  )
  const load = parseLoadProgram(values.load ?? (fidelity === 'C' ? 'go' : 'node'))
  if (load === 'go' && fidelity !== 'C') throw new Error('--load go has no clusters: it is of C')
  return {
    name,
    clusters,
    fidelity,
    load,
    waves: parseCount('waves', values.waves),
    concurrent: parseCount('concurrent', values.concurrent),
    quiet: parseCount('quiet', values.quiet),
    runs: parseCount('runs', values.runs),
    json: values.json,
    calibrate: values.calibrate,
  }
}

function isBenchName(name: string | undefined): name is BenchName {
  return benchNames.some((known) => known === name)
}

/** A slope takes several points, of which one may be without agents; all else takes one. */
function parseClusters(name: BenchName, text: string | undefined): number[] {
  if (name !== 'idle') return [parseCount('clusters', text ?? '200')]
  const counts = (text ?? '200,600,1000').split(',')
  const numbers = counts.map((count) => (count === '0' ? 0 : parseCount('clusters', count)))
  const rising = numbers.every((count, at) => at === 0 || count > numbers[at - 1]!)
  if (numbers.length > 1 && rising) return numbers
  throw new Error('--clusters: idle takes at least two rising numbers, such as 200,600,1000')
}

function parseCount(flag: keyof typeof limits, text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= limits[flag]) return value
  throw new Error(`--${flag}: not a number from 1 to ${limits[flag]}: ${text}`)
}
