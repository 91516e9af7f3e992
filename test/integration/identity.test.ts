import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { dial } from '../../agent/link/grpc.ts'
import { clusterUid, createIdentityWorld } from '../support/identity-world.ts'
import { until } from '../support/until.ts'

const otherUid = clusterUid.replace(/1$/, '2')
const day = 24 * 3_600_000
const soon = (what: string) => ({ deadlineMs: 20_000, what })

describe('certificates over the live stream', () => {
  it('are renewed before they end, written down before they are used, and used from then on', async () => {
    await using hub = await createIdentityWorld(4_000)
    const { enrolled, stored } = await hub.join('alpha')
    const quit = new AbortController()
    const agent = hub.startAgent(enrolled, stored, quit.signal)
    await until(() => hub.connected.some(({ generation }) => generation === 3), soon('renewals'))
    const generations = hub.connected.map(({ generation }) => generation)
    assert.deepEqual([...new Set(generations)], [1, 2, 3])
    await until(() => agent.newest().generation === 3, soon('the newest to be kept'))
    const first = agent.kept.find((one) => one.next?.issued)
    assert.equal(first?.generation, 1, 'the one in use is kept beside the new one')
    // Nobody had to claim anything, and nobody was locked.
    assert.deepEqual(
      hub.decisions.map(({ type }) => type),
      ['cluster.enrolled'],
    )
    quit.abort()
    await agent.done
  })

  it('that were replaced pass no more', async () => {
    await using hub = await createIdentityWorld(4_000)
    const { enrolled, stored } = await hub.join('alpha')
    const quit = new AbortController()
    const agent = hub.startAgent(enrolled, stored, quit.signal)
    await until(() => hub.connected.some(({ generation }) => generation === 2), soon('a renewal'))
    const verdict = await ask(stored.endpoint)
    assert.match(verdict, /replaced by a newer one|Connection dropped|hub ended/)
    quit.abort()
    await agent.done
  })

  it('F30: an agent that was away for longer than its certificate comes back by its bound key, once', async () => {
    await using hub = await createIdentityWorld(2_000)
    const { enrolled, stored } = await hub.join('alpha')
    await until(() => Date.now() > stored.receivedAt! + 2_500, soon('the certificate to end'))
    const quit = new AbortController()
    const agent = hub.startAgent(enrolled, stored, quit.signal)
    await until(() => hub.connected.length > 0, soon('the agent to be back'))
    assert.deepEqual(
      hub.decisions.map(({ type }) => type),
      ['cluster.enrolled', 'cluster.recovered'],
    )
    const settled = () => agent.kept.length > 2 && agent.newest().next === undefined
    await until(settled, soon('the new certificate to be kept'))
    quit.abort()
    await agent.done

    const again = agent.newest()
    await until(() => Date.now() > again.receivedAt! + 2_500, soon('the next one to end'))
    const stop = new AbortController()
    const second = hub.startAgent(enrolled, again, stop.signal)
    const words = /recovered as often as it may.*swell cluster recover alpha/
    await until(() => second.said.find((line) => words.test(line)), soon('to be told what to do'))
    const { clusterId } = enrolled.identity
    await hub.append('ada', [
      { type: 'recovery.granted', cluster: 'alpha', clusterId, recoverable: 3, reason: '' },
    ])
    const before = hub.connected.length
    await until(() => hub.connected.length > before, soon('the agent to be back again'))
    stop.abort()
    await second.done
  })
})

describe('T20: copies of an identity', () => {
  it('used from another cluster lock it, cut its stream and end in the ledger', async () => {
    await using hub = await createIdentityWorld(day)
    const { enrolled, stored } = await hub.join('alpha')
    const quit = new AbortController()
    const honest = hub.startAgent(enrolled, stored, quit.signal)
    await until(() => hub.live.size === 1, soon('the first to connect'))
    const copy = hub.startAgent(enrolled, stored, quit.signal, otherUid)
    await until(() => hub.membership.locked.has('alpha'), soon('the lock'))
    assert.match(hub.membership.locked.get('alpha') ?? '', /used from another cluster/)
    await until(() => hub.live.size === 0, soon('both to be cut'))
    const locks = hub.decisions.filter(({ type }) => type === 'cluster.locked')
    assert.equal(locks.length, 1)
    await until(() => hub.refused.some((why) => /locked/.test(why)), soon('the words'))

    // Unlocked, it is back by its bound key; the copy, which is elsewhere, locks it again.
    const { clusterId } = enrolled.identity
    quit.abort()
    await Promise.all([honest.done, copy.done])
    const unlocked = { cluster: 'alpha', clusterId, series: 2, recoverable: 3, reason: '' } as const
    await hub.append('ada', [{ type: 'cluster.unlocked', ...unlocked }])
    const stop = new AbortController()
    const back = hub.startAgent(enrolled, honest.newest(), stop.signal)
    await until(() => hub.live.size === 1, soon('the honest one to be back'))
    assert.equal(hub.membership.locked.size, 0)
    stop.abort()
    await back.done
  })

  it('in a cluster that looks the same are found out as both renew', async () => {
    await using hub = await createIdentityWorld(4_000)
    const { enrolled, stored } = await hub.join('alpha')
    const quit = new AbortController()
    const pair = [0, 1].map(() => hub.startAgent(enrolled, stored, quit.signal))
    const found = () =>
      hub.membership.locked.has('alpha') || hub.refused.some((why) => /replaced/.test(why))
    await until(found, soon('the copy to be found out'))
    quit.abort()
    await Promise.all(pair.map(({ done }) => done))
  })
})

describe('T21: what an agent may do to another cluster', () => {
  it('each message of a stream is about the certificate’s own cluster', async () => {
    await using hub = await createIdentityWorld(day)
    const alpha = await hub.join('alpha')
    await hub.join('beta', {}, otherUid)
    assert.match(await ask(alpha.stored.endpoint, otherUid), /locked|another cluster/)
    assert.equal(hub.membership.locked.has('alpha'), true)
    assert.equal(hub.membership.locked.has('beta'), false)
    assert.deepEqual(hub.connected, [])
  })
})

describe('an agent that takes the place of another', () => {
  it('T20: ends the stream of the one before, which reports no more, and never its own', async () => {
    await using hub = await createIdentityWorld(day)
    const before = await hub.join('alpha')
    const quit = new AbortController()
    const old = hub.startAgent(before.enrolled, before.stored, quit.signal)
    await until(() => hub.live.size === 1, soon('the first stream'))
    const after = await hub.join('alpha', { replace: true })
    await until(() => hub.live.size === 0, { deadlineMs: 5_000, what: 'the old stream to end' })
    await until(() => hub.refused.some((why) => /certificate/.test(why)), soon('its refusal'))
    const next = hub.startAgent(after.enrolled, after.stored, quit.signal)
    await until(() => hub.connected.length === 2 && hub.live.size === 1, soon('the new stream'))
    const { clusterId } = after.enrolled.identity
    await hub.append('ada', [{ type: 'cluster.approved', cluster: 'alpha', clusterId }])
    assert.equal(hub.live.size, 1)
    quit.abort()
    await Promise.all([old.done, next.done])
  })
})

describe('revocation', () => {
  it('T15: cuts the stream within 5 s and gives no certificate any more', async () => {
    await using hub = await createIdentityWorld(day)
    const { enrolled, stored } = await hub.join('alpha')
    const quit = new AbortController()
    const agent = hub.startAgent(enrolled, stored, quit.signal)
    await until(() => hub.live.size === 1, soon('the agent to connect'))
    await hub.append('ada', [{ type: 'cluster.revoked', cluster: 'alpha', reason: 'lost' }])
    await until(() => hub.live.size === 0, { deadlineMs: 5_000, what: 'the stream to be cut' })
    await until(() => hub.refused.some((why) => /revoked: lost/.test(why)), soon('the refusal'))
    assert.equal(hub.connected.length, 1)
    assert.equal(agent.newest().generation, 1)
    quit.abort()
    await agent.done
  })
})

/** Says hello with a certificate; what the hub answers to that. */
async function ask(endpoint: Parameters<typeof dial>[0], uid = clusterUid): Promise<string> {
  const stream = dial(endpoint)
  try {
    const value = { protocol: 1, clusterUid: uid }
    await stream
      .send(create(SyncRequestSchema, { message: { case: 'hello', value } }))
      .catch(() => {})
    for await (const { message } of stream.responses) return `answered ${message.case}`
    return 'the hub ended the stream'
  } catch (error) {
    return (error as Error).message
  } finally {
    stream.close()
  }
}
