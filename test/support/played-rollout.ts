import { setInterval as every, setTimeout as wait } from 'node:timers/promises'
import { createRollouts } from '../../hub/rollout/advance/advance.ts'
import { createWakeUps } from '../../hub/rollout/advance/bullmq.ts'
import { createRolloutStore } from '../../hub/rollout/store/redis.ts'
import type { Assignment, ClusterObservation } from '../../hub/rollout/rollout.ts'
import type { WakeUps } from '../../hub/rollout/store/store.ts'
import { connectRedis } from '../../hub/redis.ts'
import { replay } from '../../hub/ledger/replay.ts'
import { createMemoryLedger } from './memory-rollouts.ts'
import { until } from './until.ts'
import { idle, plan, reports, wave } from '../unit/hub/rollout/world.ts'

const clock = () => Date.now()
const soak = { kind: 'soak', duration: 50 } as const
const approval = { kind: 'approval', role: 'operator' } as const

/** Three waves with a soak, an approval and clusters one after the other. */
export const playedPlan = plan([
  wave('one', ['a', 'b'], { maxConcurrent: 1, after: [soak] }),
  wave('two', ['c', 'd'], { maxConcurrent: 1, before: [approval], soak: 50 }),
  wave('three', ['e']),
])

export interface Played {
  /** Points where it stood still to be disturbed. */
  readonly steps: number
  /** The ledger. */
  readonly text: string
}

export interface PlayOptions {
  /** Redis, or a way to it. */
  readonly url: string
  /** Keeps its keys apart. */
  readonly fleet: string
  /** Called at each point, numbered from 1. `restart` ends the hub and starts another on its ledger. */
  readonly at?: (step: number, restart: () => Promise<void>) => Promise<void>
  /** In place of BullMQ. */
  readonly wakeUps?: () => WakeUps
}

/** Plays a rollout to its end on a real Redis, one report of a cluster at a time. */
export async function playRollout({ url, fleet, at, wakeUps }: PlayOptions): Promise<Played> {
  const disk = createMemoryLedger(clock)
  const running = new Map<string, Assignment>()
  const well = new Set<string>()

  async function startHub() {
    const redis = await connectRedis(url)
    const wake = wakeUps?.() ?? createWakeUps({ url, fleet, clock })
    const store = createRolloutStore(redis, fleet)
    const ledger = disk.open()
    const state = await replay(ledger.read())
    const rollouts = createRollouts({
      ...{ ledger, state, store, wake, clock, log: () => {}, sweepInterval: 50 },
      observe: async (_, names) =>
        Object.fromEntries(
          names.map((name): [string, ClusterObservation] => {
            const mine = running.get(name)
            return [name, mine && well.has(name) ? reports(mine, mine.generation) : idle()]
          }),
        ),
      assign: async (all) => {
        for (const one of all) {
          if ((running.get(one.cluster)?.generation ?? 0) < one.generation)
            running.set(one.cluster, one)
        }
      },
      measure: async () => ({ kind: 'unanswered', message: 'nobody' }),
    })
    return {
      ledger,
      rollouts,
      store,
      async end() {
        await rollouts.close()
        await wake.close()
        redis.disconnect()
      },
    }
  }

  let hub = await startHub()
  const run = () => hub.rollouts.state.runs.get(playedPlan.id)!
  let steps = 0
  async function restart(): Promise<void> {
    await hub.end()
    hub = await startHub()
    await hub.rollouts.restore()
  }
  const step = async (what: string, is: () => boolean): Promise<void> => {
    // By alarm or sweep: nobody else looks.
    await until(async () => is(), { deadlineMs: 15_000, what: `${what}, of ${fleet}` })
    steps += 1
    await at?.(steps, restart)
  }
  try {
    await hub.rollouts.restore()
    await hub.rollouts.create(playedPlan, { start: false })
    await step('the plan', () => run().phase === 'Planned')
    await hub.rollouts.act(playedPlan.id, { kind: 'start' }, 'alice', '')
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      if (name === 'c') {
        await step('the gate', () => run().wave === 1 && run().waveStartedAt === null)
        await hub.rollouts.act(playedPlan.id, { kind: 'approve' }, 'alice', '')
      }
      await step(`${name} to be offered it`, () => run().clusters[name]!.state === 'Offered')
      well.add(name)
      // It may have soaked before anybody looked.
      if (name === 'c') await step('c to soak', () => run().clusters['c']!.state !== 'Offered')
      await step(`${name} to be done`, () => run().clusters[name]!.state === 'Done')
    }
    await step('the end', () => run().phase === 'Succeeded')
    await until(async () => (await stored())?.run.phase === 'Succeeded', {
      deadlineMs: 15_000,
      what: `the store to know the end, of ${fleet}`,
    })
    return { steps, text: disk.text() }
  } finally {
    await hub.end()
  }

  async function stored() {
    return hub.store.get(playedPlan.id).catch(() => undefined)
  }
}

/** How long a disturbance lasts. */
export async function lastFor(milliseconds: number): Promise<void> {
  await wait(milliseconds)
}

/** Wake-ups of a queue that never rings again; only the sweep is left. */
export function createDeafWakeUps(): WakeUps {
  const ending = new AbortController()
  return {
    set: async () => {},
    clear: async () => {},
    listen: () => {},
    repeat(ms, run) {
      const sweep = async (): Promise<void> => {
        for await (const _ of every(ms, undefined, { signal: ending.signal })) run()
      }
      void sweep().catch(() => {})
      return () => ending.abort()
    },
    close: async () => ending.abort(),
  }
}
