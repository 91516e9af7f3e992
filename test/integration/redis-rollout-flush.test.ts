import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectRedis } from '../../hub/redis.ts'
import { createRollouts } from '../../hub/rollout/advance.ts'
import { createWakeUps } from '../../hub/rollout/bullmq.ts'
import { createRolloutStore } from '../../hub/rollout/redis.ts'
import type { Assignment, ClusterObservation } from '../../hub/rollout/rollout.ts'
import { emptyState } from '../../hub/ledger/replay.ts'
import { judgeLedger } from '../support/ledger-oracle.ts'
import { createMemoryLedger } from '../support/memory-rollouts.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { idle, plan, reports, wave } from '../unit/hub/rollout/world.ts'

/* Redis loses everything in the middle of a rollout, at each point where it may stand. */

let server: TestRedis
before(async () => {
  server = await startRedis()
})
after(() => server.stop())

const clock = () => Date.now()
const soak = { kind: 'soak', duration: 50 } as const
const approval = { kind: 'approval', role: 'operator' } as const
const planned = plan([
  wave('one', ['a', 'b'], { maxConcurrent: 1, after: [soak] }),
  wave('two', ['c', 'd'], { maxConcurrent: 1, before: [approval], soak: 50 }),
  wave('three', ['e']),
])
const leastPoints = 12

/** Plays the rollout to its end, one report at a time; `flushAt` numbers the step after which Redis is empty. */
async function rollOut(fleet: string, flushAt: number): Promise<{ steps: number; text: string }> {
  const redis = await connectRedis(server.url)
  const wake = createWakeUps({ url: server.url, fleet, clock })
  const store = createRolloutStore(redis, fleet)
  const disk = createMemoryLedger(clock)
  const running = new Map<string, Assignment>()
  const well = new Set<string>()
  const rollouts = createRollouts({
    ...{ ledger: disk.open(), store, wake, clock, log: () => {}, sweepInterval: 50 },
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
  const run = () => rollouts.state.runs.get(planned.id)!
  let steps = 0
  const step = async (what: string, is: () => boolean): Promise<void> => {
    // By alarm or sweep: nobody else looks.
    await until(async () => is(), { deadlineMs: 10_000, what: `${what}, flushed at ${flushAt}` })
    steps += 1
    if (steps === flushAt) await redis.flushall()
  }
  try {
    await rollouts.restore(emptyState())
    await rollouts.create(planned, { start: false })
    await step('the plan', () => run().phase === 'Planned')
    await rollouts.act(planned.id, { kind: 'start' }, 'alice', '')
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      if (name === 'c') {
        await step('the gate', () => run().wave === 1 && run().waveStartedAt === null)
        await rollouts.act(planned.id, { kind: 'approve' }, 'alice', '')
      }
      await step(`${name} to be offered it`, () => run().clusters[name]!.state === 'Offered')
      well.add(name)
      if (name === 'c') await step('c to soak', () => run().clusters['c']!.state === 'Soaking')
      await step(`${name} to be done`, () => run().clusters[name]!.state === 'Done')
    }
    await step('the end', () => run().phase === 'Succeeded')
    await until(async () => (await store.get(planned.id))?.run.phase === 'Succeeded', {
      deadlineMs: 10_000,
      what: `the store to know the end, flushed at ${flushAt}`,
    })
    return { steps, text: disk.text() }
  } finally {
    await rollouts.close()
    await wake.close()
    redis.disconnect()
  }
}

test('F11: FLUSHALL at any point of a rollout changes nothing of how it goes', async () => {
  const { steps, text } = await rollOut('whole', 0)
  assert.ok(steps >= leastPoints, `${steps} points`)
  const offers = judgeLedger(text).offers
  for (let at = 1; at <= steps; at += 1) {
    const flushed = await rollOut(`flush${at}`, at)
    assert.equal(flushed.steps, steps)
    assert.equal(judgeLedger(flushed.text).offers, offers, `nothing was offered twice, at ${at}`)
  }
})
