import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openChaosProxy } from '../support/chaos-proxy.ts'
import { openDeliveryWorld } from '../support/delivery-world.ts'
import { assertNoPings, passQuietly } from '../support/quiet-link.ts'
import { until } from '../support/until.ts'

/* The links of agents that are connected to a replica which passes their streams on. */

/** Nothing is heard of it while a test lasts. */
const neverBeats = 300

describe('a replica that passes streams on', { concurrency: true }, () => {
  it('sends no PING while heartbeats of agent and leader pass through it', async (t) => {
    const often = { everyMs: 1_000, answerMs: 1_000 }
    await using world = await openDeliveryWorld(
      { heartbeatSeconds: 1, keepalive: often },
      { keepalive: often },
    )
    const relay = await world.follow(often)
    await using proxy = await openChaosProxy(relay.address)
    world.assign('edge', 1, 'one')
    const { generations } = await world.agent('edge', proxy.address)
    await until(() => generations.at(-1) === 1, { deadlineMs: 15_000, what: 'its first content' })
    assert.equal(relay.live, 1)
    await assertNoPings(proxy, t)
  })

  it('F20: finds by a PING that an agent is gone, and tells the leader', async (t) => {
    const pings = { everyMs: 600, answerMs: 600 }
    const noticedMs = pings.everyMs + pings.answerMs
    await using world = await openDeliveryWorld(
      { heartbeatSeconds: neverBeats, keepalive: pings },
      // Its own finds it as well, but later.
      { keepalive: { everyMs: 3_000, answerMs: 3_000 } },
    )
    const relay = await world.follow(pings)
    await using proxy = await openChaosProxy(relay.address)
    world.assign('edge', 1, 'one')
    const { generations } = await world.agent('edge', proxy.address)
    await until(() => generations.at(-1) === 1, { deadlineMs: 15_000, what: 'its first content' })
    // One that is answered ends nothing.
    await passQuietly(2 * noticedMs)
    assert.deepEqual([relay.live, proxy.connections], [1, 1])
    const start = performance.now()
    proxy.freeze('up', 'down')
    await until(() => relay.live === 0 && !world.streams.has('edge'), {
      deadlineMs: noticedMs + 5_000,
      intervalMs: 5,
      what: 'the replica and the leader to notice',
    })
    const tookMs = performance.now() - start
    // grpc-js has not heard of it yet, and would wait for what is gone.
    await relay.close(500)
    t.diagnostic(`of ${noticedMs} ms at most: ${Math.round(tookMs)}`)
    // By a timer, on a machine that is busy with others.
    assert.ok(tookMs < noticedMs + 2_500)
  })
})
