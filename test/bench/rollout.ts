import { AssertionError } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '@groundswell/proto/digest.ts'
import { openJournal } from '../../hub/ledger/fs.ts'
import { emptyState } from '../../hub/ledger/replay.ts'
import { connectRedis } from '../../hub/redis.ts'
import { activeRollouts } from '../../hub/rollout/decide/admission.ts'
import { createRollouts, type Rollouts } from '../../hub/rollout/advance/advance.ts'
import { createWakeUps } from '../../hub/rollout/advance/bullmq.ts'
import { createLooks } from '../../hub/rollout/advance/looks.ts'
import { isInFlight } from '../../hub/rollout/step/outcome.ts'
import { createRolloutStore } from '../../hub/rollout/store/redis.ts'
import type {
  ClusterObservation,
  Content,
  RolloutPlan,
  RolloutRun,
} from '../../hub/rollout/rollout.ts'
import { judgeLedger } from '../support/ledger-oracle.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { type Figures, describeFigures } from './result.ts'

export const rolloutGoals = [
  { metric: 'overhead_ms', text: '≤ 3000 for 1,000 clusters in 10 waves; ≤ 15000 for 100 × 100' },
  { metric: 'cpu_ms_per_cluster', text: '≤ 1.5' },
  { metric: 'redis_round_trips_per_cluster', text: '≤ 2' },
  { metric: 'jobs', text: 'one a wave' },
  { metric: 'wave_violations', text: '0' },
]

export interface RolloutSize {
  readonly clusters: number
  readonly waves: number
  /** Rollouts of as many applications at once, each to all clusters. */
  readonly concurrent: number
  readonly runs: number
}

const content: Content = { digest: digestOf('new'), size: 100, revision: 'main@sha1:new' }

/**
 * What rollouts cost beside what clusters do: the ledger on disk, a real Redis, BullMQ's jobs, and
 * clusters that report health as soon as they are offered something, one by one. So all of the time is overhead.
 * `redis_round_trips_per_cluster` counts commands, those of BullMQ's scripts too: there were no more round trips
 * than that. `wave_violations` is what the ledger's oracle finds in what was written: 1 at its first.
 *
 * @throws Error when a rollout did not succeed: the run is void
 */
export async function measureRollout(
  size: RolloutSize,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using server = await startRedis()
  await using directory = await createTempDir('bench-rollout')
  const results: Figures[] = []
  for (let run = 0; run <= size.runs; run += 1) {
    const figures = await measureOnce(size, server.url, join(directory.path, `${run}.jsonl`), run)
    say(`run ${run}: ${describeFigures(figures)}`)
    if (run > 0) results.push(figures)
  }
  return results
}

async function measureOnce(
  { clusters, waves, concurrent }: RolloutSize,
  url: string,
  path: string,
  run: number,
): Promise<Figures> {
  const clock = (): number => Date.now()
  const fleet = `bench${run}`
  const redis = await connectRedis(url)
  const wake = createWakeUps({ url, fleet, clock })
  const ledger = await openJournal(path, clock)
  const generations = new Map<string, number>()
  const jobs = new Set<string>()
  const rollouts = createRollouts({
    ledger,
    state: emptyState(),
    store: createRolloutStore(redis, fleet),
    wake: {
      ...wake,
      async set(rollout, wave, at) {
        jobs.add(`${rollout}-w${wave}`)
        await wake.set(rollout, wave, at)
      },
    },
    observe: async (application, names) =>
      Object.fromEntries(
        names.map((name) => [name, observe(generations.get(`${name}/${application}`))]),
      ),
    assign: async (assignments) => {
      for (const { cluster, application, generation } of assignments) {
        generations.set(`${cluster}/${application}`, generation)
        // Each tells of it by itself, as agents do.
        setImmediate(() => notice([application]))
      }
    },
    measure: async () => ({ kind: 'unanswered', message: 'nothing is measured' }),
    clock,
    log: () => {},
  })
  const notice = createLooks({
    look: (application) => rollouts.notice(application),
    inFlight: (application) => countInFlight(rollouts, application),
    clock: () => performance.now(),
    later: (ms, work) => void setTimeout(work, ms),
  })
  await rollouts.restore()
  const countCommands = async (): Promise<number> =>
    Number(/^total_commands_processed:(\d+)/m.exec(await redis.info('stats'))?.[1])

  const plans = Array.from({ length: concurrent }, (_, at) => makePlan(at, clusters, waves))
  const before = { commands: await countCommands(), cpu: process.cpuUsage(), at: performance.now() }
  await Promise.all(plans.map((plan) => rollouts.create(plan, { start: true })))
  const runOf = (id: string): RolloutRun => rollouts.state.runs.get(id)!
  await until(async () => plans.every(({ id }) => runOf(id).finishedAt !== null), {
    deadlineMs: 300_000,
    what: 'every rollout to end',
  })
  const total = performance.now() - before.at
  const cpu = process.cpuUsage(before.cpu)
  const commands = (await countCommands()) - before.commands
  const failed = plans.filter(({ id }) => runOf(id).phase !== 'Succeeded')
  await rollouts.close()
  await wake.close()
  await ledger.close()
  redis.disconnect()
  if (failed.length > 0) throw new Error(`${failed.length} rollouts did not succeed`)
  const all = clusters * concurrent
  return {
    overhead_ms: Math.round(total),
    cpu_ms_per_cluster: Number(((cpu.user + cpu.system) / 1_000 / all).toFixed(3)),
    redis_round_trips_per_cluster: Number((commands / all).toFixed(3)),
    ledger_entries: ledger.head,
    jobs: jobs.size,
    wave_violations: await countViolations(path),
  }
}

async function countViolations(path: string): Promise<number> {
  try {
    judgeLedger(await readFile(path, 'utf8'))
    return 0
  } catch (error) {
    if (error instanceof AssertionError) return 1
    throw error
  }
}

function observe(generation: number | undefined): ClusterObservation {
  const application =
    generation === undefined
      ? null
      : ({ digest: content.digest, generation, phase: 'Applied', health: 'Current' } as const)
  return {
    ...{ connected: true, since: 0, veto: null, withheld: null, refusal: null },
    application: application && { ...application, message: '' },
  }
}

function countInFlight({ state }: Rollouts, application: string): number {
  let count = 0
  for (const id of activeRollouts(state, application)) {
    for (const progress of Object.values(state.runs.get(id)!.clusters)) {
      if (isInFlight(progress)) count += 1
    }
  }
  return count
}

function makePlan(number: number, clusters: number, waves: number): RolloutPlan {
  const names = Array.from({ length: clusters }, (_, at) => `cluster-${at}`)
  const size = Math.ceil(clusters / waves)
  const previous = { digest: digestOf('old'), size: 100, revision: 'main@sha1:old' }
  return {
    id: `r${number}`,
    application: `app-${number}`,
    revision: content.revision,
    contentDigest: digestOf(`content ${number}`),
    createdAt: Date.now(),
    trigger: { kind: 'commit', actor: 'bench', reason: '' },
    targets: Object.fromEntries(names.map((name) => [name, { ...content, previous }])),
    waves: Array.from({ length: waves }, (_, at) => ({
      name: `wave-${at}`,
      clusters: names.slice(at * size, (at + 1) * size),
      maxConcurrent: size,
      maxFailures: 0,
      soak: 0,
      progressDeadline: 600_000,
      before: [],
      after: [],
    })),
    maxFailures: 0,
    onFailure: 'pause',
    offline: 'skip',
    supersede: 'replace',
  }
}
