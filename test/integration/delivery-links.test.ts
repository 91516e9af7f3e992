import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { type Keepalive, keepalive, toKeepaliveOptions } from '@groundswell/proto/keepalive.ts'
import { minimumRate } from '../../agent/link/allowance.ts'
import { repeat } from '../../hub/clock.ts'
import { listenerOptions } from '../../hub/sync/listen/grpc.ts'
import { openChaosProxy } from '../support/chaos-proxy.ts'
import {
  type DeliveryAgent,
  type DeliveryAgents,
  openDeliveryWorld,
} from '../support/delivery-world.ts'
import { assertNoPings, passQuietly } from '../support/quiet-link.ts'
import { until } from '../support/until.ts'

/* Links that are neither up nor down, and which of the bounds finds that out: each is tried with all
   others out of play. */

const KiB = 1024
/** Nothing is heard of it while a test lasts. */
const neverBeats = 300

/** A cluster behind a link of its own, that has taken its first snapshot. */
async function connect(agents: DeliveryAgents, pings: Keepalive = keepalive) {
  const world = await openDeliveryWorld(
    { heartbeatSeconds: neverBeats, keepalive: pings },
    { keepalive: pings, ...agents },
  )
  const proxy = await openChaosProxy(world.listener.address)
  world.assign('edge', 1, 'one')
  const agent = await world.agent('edge', proxy.address)
  await arrived(agent, 1)
  return {
    ...{ world, proxy, agent },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

const arrived = ({ generations, warnings }: DeliveryAgent, generation: number) =>
  until(() => generations.at(-1) === generation, {
    deadlineMs: 15_000,
    intervalMs: 5,
    what: `generation ${generation}, after ${generations.join()}; ${warnings.join('; ')}`,
  })

describe('a link that is dead, and says nothing of it', { concurrency: true }, () => {
  const pings = { everyMs: 600, answerMs: 600 }
  const noticedMs = pings.everyMs + pings.answerMs

  for (const ways of [['up', 'down'], ['up'], ['down']] as const) {
    it(`F20: is found by HTTP/2 PING alone, by hub and agent: ${ways.join(' and ')}`, async (t) => {
      await using link = await connect({}, pings)
      const { world, proxy, agent } = link
      // More than a PING's time without a word: one that is answered ends nothing.
      await passQuietly(2 * noticedMs)
      assert.equal(proxy.connections, 1)
      assert.deepEqual(agent.warnings, [])

      const start = performance.now()
      const after: { hub?: number; agent?: number } = {}
      proxy.freeze(...ways)
      proxy.away = true
      await until(
        () => {
          const now = performance.now() - start
          if (!world.streams.has('edge')) after.hub ??= now
          if (agent.warnings.length > 0) after.agent ??= now
          return after.hub !== undefined && after.agent !== undefined
        },
        { deadlineMs: noticedMs + 5_000, intervalMs: 5, what: 'both to notice' },
      )
      t.diagnostic(
        `of ${noticedMs} ms at most: hub ${Math.round(after.hub!)}, agent ${Math.round(after.agent!)}`,
      )
      // By a timer, on a machine that is busy with others.
      assert.ok(Math.max(after.hub!, after.agent!) < noticedMs + 2_500)
      assert.match(agent.warnings[0]!, /hub_unreachable|[Kk]eepalive/)

      world.assign('edge', 2, 'two')
      proxy.away = false
      await arrived(agent, 2)
    })
  }

  it('sends no PING either way while heartbeats are answered', async (t) => {
    const often = { everyMs: 1_000, answerMs: 1_000 }
    await using world = await openDeliveryWorld(
      { heartbeatSeconds: 1, keepalive: often },
      { keepalive: often },
    )
    await using proxy = await openChaosProxy(world.listener.address)
    world.assign('edge', 1, 'one')
    const agent = await world.agent('edge', proxy.address)
    await arrived(agent, 1)
    await assertNoPings(proxy, t)
  })

  it('F20: half a minute is what either side takes, also of the ports where agents join', () => {
    assert.deepEqual(keepalive, { everyMs: 20_000, answerMs: 10_000 })
    for (const [option, value] of Object.entries(toKeepaliveOptions(keepalive))) {
      assert.equal(listenerOptions[option as keyof typeof listenerOptions], value)
    }
  })
})

describe('a link that trickles', { concurrency: true }, () => {
  /** What passes for the minute that a rate is measured over. */
  const windowMs = 1_500
  const every: typeof repeat = (ms, run) => repeat(ms === minimumRate.windowMs ? windowMs : ms, run)
  const large = (): string => randomBytes(400 * KiB).toString('base64')

  it('T9: is left when it gives less than a rate, and the content comes by the next', async (t) => {
    await using link = await connect({ every })
    const { world, proxy, agent } = link
    // A third of what is wanted of it: 60 KiB in each window.
    proxy.rate = 13 * KiB
    const start = performance.now()
    world.assign('edge', 2, large())
    const told = await until(() => agent.warnings.find((line) => /slow_retrieval/.test(line)), {
      deadlineMs: 10_000,
      what: 'the agent to leave it',
    })
    t.diagnostic(`left after ${Math.round(performance.now() - start)} ms: ${told}`)
    assert.deepEqual([...agent.generations], [1])
    await until(() => proxy.connections > 1, { deadlineMs: 10_000, what: 'another dial' })
    proxy.rate = 0
    await arrived(agent, 2)
  })

  it('T9: is kept when it is slow and gives what is wanted of it', async () => {
    await using link = await connect({ every })
    const { world, proxy, agent } = link
    proxy.rate = 120 * KiB
    world.assign('edge', 2, large())
    const start = performance.now()
    await arrived(agent, 2)
    assert.ok(performance.now() - start > 2 * windowMs, 'it lasted for more than two windows')
    assert.equal(proxy.connections, 1)
    assert.deepEqual(agent.warnings, [])
  })
})
