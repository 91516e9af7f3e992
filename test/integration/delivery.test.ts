import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createAdmission } from '../../hub/sync/admission.ts'
import { type ChaosProxy, openChaosProxy } from '../support/chaos-proxy.ts'
import {
  type DeliveryAgent,
  type DeliveryWorld,
  openDeliveryWorld,
} from '../support/delivery-world.ts'
import { createSeed } from '../support/seed.ts'
import { until } from '../support/until.ts'

const KiB = 1024
/** Does not get smaller. */
const large = (): string => randomBytes(1_000 * KiB).toString('base64')

const arrived = ({ generations }: DeliveryAgent, generation: number, deadlineMs = 30_000) =>
  until(() => generations.at(-1) === generation, {
    deadlineMs,
    intervalMs: 5,
    what: `generation ${generation}, after ${generations.join()}`,
  })

describe('delivery over links that fail', { concurrency: true }, () => {
  let world: DeliveryWorld

  before(async () => {
    world = await openDeliveryWorld()
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })

  /** A cluster behind a link of its own, that has taken its first snapshot. */
  async function connect(cluster: string, ...texts: string[]) {
    const proxy = await openChaosProxy(world.listener.address)
    world.assign(cluster, 1, ...(texts.length > 0 ? texts : ['one']))
    const agent = await world.agent(cluster, proxy.address)
    await arrived(agent, 1)
    return { proxy, agent, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() }
  }

  const gone = (cluster: string, deadlineMs: number) =>
    until(() => !world.streams.has(cluster), { deadlineMs, what: `the hub to miss ${cluster}` })

  it('F20: a link that goes down without a word is noticed by both sides, and delivery goes on over the next', async (t) => {
    await using link = await connect('half-open')
    const { proxy, agent } = link
    const start = performance.now()
    proxy.freeze('up', 'down')
    proxy.away = true
    // Three heartbeats, of a second here.
    await Promise.all([
      gone('half-open', 8_000),
      until(() => agent.warnings.length > 0, { deadlineMs: 8_000, what: 'the agent to notice' }),
    ])
    t.diagnostic(`noticed by both after ${Math.round(performance.now() - start)} ms`)
    world.assign('half-open', 2, 'two')
    proxy.away = false
    await arrived(agent, 2)
  })

  it('F21: a link that is dead one way, either way, is left for another', async () => {
    for (const way of ['up', 'down'] as const) {
      await using link = await connect(`one-way-${way}`)
      link.proxy.freeze(way)
      world.assign(`one-way-${way}`, 2, 'two')
      await arrived(link.agent, 2)
    }
  })

  it('F21: a reset, a slow and a late link deliver in the end', async () => {
    await using link = await connect('reset')
    const { proxy, agent } = link
    proxy.delayMs = 20
    proxy.rate = 200 * KiB
    proxy.reset()
    world.assign('reset', 2, 'two')
    await arrived(agent, 2)
    assert.deepEqual([...agent.generations], [1, 2])
  })

  // `STORM=1000 node --test test/integration/delivery.test.ts` takes some minutes.
  const storm = Number(process.env['STORM'] ?? 40)
  it('F22: forty agents that lose their hub at once are all back, and none of them in step', async (t) => {
    const proxy = await openChaosProxy(world.listener.address)
    const names = Array.from({ length: storm }, (_, n) => `storm-${n}`)
    for (const name of names) world.assign(name, 1, 'one')
    const agents = await Promise.all(names.map((name) => world.agent(name, proxy.address)))
    await Promise.all(agents.map((agent) => arrived(agent, 1, storm * 375)))
    const start = performance.now()
    const before = proxy.connections
    proxy.reset()
    for (const name of names) world.assign(name, 2, 'two')
    await Promise.all(agents.map((agent) => arrived(agent, 2, storm * 375)))
    t.diagnostic(`all back after ${Math.round(performance.now() - start)} ms`)
    assert.ok(proxy.connections - before <= 2 * storm, `${proxy.connections - before} dials`)
    await Promise.all(agents.map((agent) => agent.stop()))
    await proxy[Symbol.asyncDispose]()
  })

  it('F23: the newest stream of a cluster stays when the hub at last hears that the older is gone', async () => {
    await using link = await connect('newest')
    const first = world.streams.get('newest')!
    // The hub hears nothing of the end of this one: only that it falls silent.
    link.proxy.freeze('up')
    let ended = false
    void first.done.catch(() => {}).finally(() => (ended = true))
    await until(() => world.streams.get('newest') !== first, {
      deadlineMs: 10_000,
      what: 'another',
    })
    await until(() => ended, { deadlineMs: 15_000, what: 'the end of the first' })
    world.assign('newest', 2, 'two')
    await arrived(link.agent, 2)
  })

  it('F56: an agent that only tries whether it would be let in takes no place', async () => {
    await using link = await connect('rehearsal')
    const running = world.streams.get('rehearsal')
    for (let n = 0; n < 3; n += 1) await link.agent.prove()
    await assert.rejects(link.agent.prove('uid-of-another'), { code: 'identity_refused' })
    assert.equal(world.streams.get('rehearsal'), running)
    world.assign('rehearsal', 2, 'two')
    await arrived(link.agent, 2)
    assert.deepEqual(link.agent.warnings, [])
  })

  it('F24: cut anywhere, again and again, an agent ends at the newest and never goes back', async (t) => {
    const seed = createSeed(process.env['SEED'])
    t.diagnostic(`SEED=${seed.text}`)
    await using link = await connect('cut')
    const { proxy, agent } = link
    const newest = 12
    for (let generation = 2; generation < newest; generation += 1) {
      const before = proxy.connections
      proxy.cutAfter(Math.floor(seed.random() * 14 * KiB))
      const texts = [1, 2, 3].map((n) => `${generation} ${n} ${large().slice(0, 4 * KiB)}`)
      world.assign('cut', generation, ...texts)
      await until(() => proxy.connections > before || agent.generations.at(-1) === generation, {
        deadlineMs: 30_000,
        what: `a cut or generation ${generation}`,
      })
    }
    proxy.cutAfter(Infinity)
    world.assign('cut', newest, 'last')
    await arrived(agent, newest)
    t.diagnostic(`${proxy.connections - 1} times cut, taken: ${agent.generations.join()}`)
    assert.ok(proxy.connections > 3)
    const ascending = [...new Set(agent.sequences)].sort((a, b) => a - b)
    assert.deepEqual([...agent.sequences], ascending)
    // What it was two offers behind with is not served any more.
    assert.deepEqual(
      world.refusals.filter((code) => code !== 'content_missing'),
      [],
    )
  })

  it('F21: a transfer that is cut after 60 % costs at most 45 % of it the second time', async (t) => {
    const text = large()
    await using whole = await connect('whole', text)
    const all = whole.proxy.bytes.down
    const proxy: ChaosProxy = await openChaosProxy(world.listener.address)
    world.assign('broken-off', 1, text)
    // No faster than it is taken, as over any real link.
    proxy.rate = 4 * KiB * KiB
    proxy.cutAfter(Math.round(all * 0.6))
    const agent = await world.agent('broken-off', proxy.address)
    await arrived(agent, 1)
    const second = proxy.bytes.down - Math.round(all * 0.6)
    t.diagnostic(
      `${all} bytes in one go; ${second} (${Math.round((second / all) * 100)} %) after the cut`,
    )
    assert.equal(proxy.connections, 2)
    assert.ok(second <= all * 0.45, `${second} of ${all}`)
    await agent.stop()
    await proxy[Symbol.asyncDispose]()
  })
})

describe('a hub that sends its agents elsewhere', { concurrency: true }, () => {
  it('an old stream is dismissed when what it was sending has arrived, and the agent comes back', async () => {
    await using world = await openDeliveryWorld({ connectionAgeMs: 700 })
    await using proxy = await openChaosProxy(world.listener.address)
    proxy.rate = 1_000 * KiB
    world.assign('old', 1, large())
    const agent = await world.agent('old', proxy.address)
    await arrived(agent, 1)
    // It took longer than a stream may be old, and is not begun again for that.
    assert.equal(proxy.connections, 1)
    await until(() => proxy.connections === 3, { deadlineMs: 10_000, what: 'two more streams' })
    assert.match(agent.said.join('\n'), /the hub says goodbye.*the connection is old/)
    world.assign('old', 2, 'two')
    await arrived(agent, 2)
    await agent.stop()
  })

  it('a hub that stops finishes what it is sending within its grace, and takes up nothing new', async () => {
    await using world = await openDeliveryWorld()
    await using proxy = await openChaosProxy(world.listener.address)
    proxy.rate = 1_000 * KiB
    world.assign('drained', 1, large())
    const agent = await world.agent('drained', proxy.address)
    await until(() => proxy.bytes.down > 300 * KiB, { deadlineMs: 10_000, what: 'some of it' })
    assert.equal(agent.sequences.length, 0)
    const start = performance.now()
    await world.listener.close(8_000)
    assert.ok(performance.now() - start < 7_000)
    // Nobody else could have sent it.
    await arrived(agent, 1, 2_000)
    assert.match(agent.said.join('\n'), /the hub says goodbye.*the hub stops/)
    await agent.stop()
  })
})

describe('a hub that too many ask for a handshake', () => {
  /** A connection that says nothing; tells how it ended. */
  async function knock(address: string, from: string) {
    const [host, port] = address.split(':')
    const socket = connect({ host: host!, port: Number(port), localAddress: from })
    const end = { how: '' }
    socket.on('error', ({ code }: NodeJS.ErrnoException) => (end.how ||= String(code)))
    socket.on('close', () => (end.how ||= 'closed'))
    socket.resume()
    await until(() => !socket.connecting, { deadlineMs: 10_000, what: 'a connection' })
    return { end, close: () => socket.destroy() }
  }

  it('F22: turns away before TLS, one address before all, and lets agents in when there is room again', async () => {
    const admission = createAdmission({ atOnce: 8, perSecond: 100, open: 50, clock: Date.now })
    const crowd: string[] = []
    const gate = { admission, handshakeMs: 3_000, onCrowd: (why: string) => void crowd.push(why) }
    await using world = await openDeliveryWorld({ gate })
    const { address } = world.listener
    const flood = await Promise.all(Array.from({ length: 20 }, () => knock(address, '127.0.0.2')))
    const turnedAway = () => flood.filter(({ end }) => end.how === 'ECONNRESET').length
    await until(() => turnedAway() === 16, { deadlineMs: 2_500, intervalMs: 5, what: '16 resets' })
    assert.deepEqual(
      crowd,
      Array.from({ length: 16 }, () => 'handshakes'),
    )
    assert.equal(admission.counts.handshakes, 4)
    // Another address finds room beside them.
    world.assign('welcome', 1, 'one')
    const agent = await world.agent('welcome')
    await arrived(agent, 1)
    // Who does not get on with it is closed.
    await until(() => flood.every(({ end }) => end.how), {
      deadlineMs: 10_000,
      what: 'the end of all',
    })
    await until(() => admission.counts.connections === 1, { deadlineMs: 10_000, what: 'one left' })
    assert.equal(admission.counts.handshakes, 0)
    await agent.stop()
    await until(() => admission.counts.connections === 0, { deadlineMs: 10_000, what: 'none left' })
    for (const { close } of flood) close()
  })

  it('F22: agents that are turned away come back, and all are served', async () => {
    const admission = createAdmission({ atOnce: 2, perSecond: 100, open: 50, clock: Date.now })
    const crowd: string[] = []
    const gate = { admission, onCrowd: (why: string) => void crowd.push(why) }
    await using world = await openDeliveryWorld({ gate })
    const names = Array.from({ length: 12 }, (_, n) => `crowded-${n}`)
    for (const name of names) world.assign(name, 1, 'one')
    const agents = await Promise.all(names.map((name) => world.agent(name)))
    await Promise.all(agents.map((agent) => arrived(agent, 1)))
    assert.ok(crowd.length > 0)
    assert.equal(admission.counts.connections, names.length)
    await Promise.all(agents.map((agent) => agent.stop()))
  })
})
