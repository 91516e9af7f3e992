import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { type ChaosProxy, openChaosProxy } from '../support/chaos-proxy.ts'
import { createFaultyCluster, type Storm } from '../support/faulty-cluster.ts'
import { applicationFiles, configMap, ringedClusters } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import { createOfferRecord } from '../support/offer-record.ts'
import { lastFor } from '../support/played-rollout.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { createSeed } from '../support/seed.ts'
import { until } from '../support/until.ts'

/* Fifty agents, a hub, its Redis and its Git server, and what chance makes of them. `ROUNDS=100` goes on
   for longer, `SEED` draws the same lots again, `AGENTS=10` is for a small machine. */

const count = Number(process.env['AGENTS'] ?? 50)
const names = Array.from({ length: count }, (_, at) => `c${String(at).padStart(2, '0')}`)
const rounds = Number(process.env['ROUNDS'] ?? 3)
/** Of the hub's messages to its Redis and back, and of the agents' calls to their API servers. */
const usualRate = 0.01
const leastFaults = 5
const mostRounds = 30

const api = 'apiVersion: groundswell.dev/v1alpha1'
// What fails for a moment is to be no end of a rollout here: who comes when is what is judged.
const strategy = `${api}
kind: RolloutStrategy
metadata: { name: careful }
spec:
  maxFailures: 100%
  onFailure: continue
  waves:
    - { name: canary, selector: { matchLabels: { ring: canary } }, maxConcurrent: 2, maxFailures: 100% }
    - { name: production, selector: { matchLabels: { ring: production } }, maxConcurrent: 20, maxFailures: 100% }
`

describe('many agents and chance', () => {
  const seed = createSeed(process.env['SEED'])
  const storm: Storm = { on: false, faults: 0 }
  const agents = new Map<string, MemoryAgent>()
  const offered = createOfferRecord()
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let redis: TestRedis
  let store: ChaosProxy
  let link: ChaosProxy
  let hub: HubProcess
  let serial = 0

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    redis = stack.use(await startRedis())
    store = stack.use(await openChaosProxy(new URL(redis.url).host))
    await world.repository.commit({
      ...ringedClusters(names, 5),
      'fleet/strategy.yaml': strategy,
      ...applicationFiles('web', 'text 0'),
    })
    hub = await world.start({
      ...{ redisUrl: `redis://${store.address}`, args: ['--enrol-rate', '1000'] },
    })
    await untilReady(hub)
    link = stack.use(await openChaosProxy(hub.dataAddress))
    for (let at = 0; at < names.length; at += 10) {
      await Promise.all(names.slice(at, at + 10).map(join))
    }
    await untilAllHave('text 0')
  })

  after(() => stack?.disposeAsync())

  async function join(name: string): Promise<void> {
    const memory = createMemoryCluster({ uid: randomUUID() })
    // Two in a hundred calls: one is not done, and of one the answer is lost.
    const faulty = createFaultyCluster(memory, () => seed.random() * (0.08 / usualRate), storm)
    const onOffer = (envelope: Uint8Array): void => offered.note(name, envelope)
    const hubs = [{ ...hub, dataAddress: link.address }]
    const cluster = { ...memory, ...faulty }
    agents.set(name, stack.use(await startMemoryAgent(hub, name, { cluster, hubs, onOffer })))
  }

  const textOf = ({ cluster }: MemoryAgent): string | undefined =>
    (cluster.read('/ConfigMap/web/settings') as { data?: { text?: string } } | undefined)?.data
      ?.text

  /**
   * I2: all have the newest at most so long after the faults have ended: half a minute until a dead link
   * is noticed, half a minute at most until the next dial, and the rollout.
   */
  async function untilAllHave(text: string): Promise<void> {
    await until(
      () => {
        const late = names.filter((name) => textOf(agents.get(name)!) !== text)
        if (late.length === 0) return true
        const [first] = late
        const said = agents.get(first!)!.warnings.slice(-3).join('; ')
        throw new Error(`${late.length} have not, such as ${first}, which said: ${said}`)
      },
      { deadlineMs: 90_000, intervalMs: 100, what: `all to have ${text}, SEED=${seed.text}` },
    )
  }

  async function say(): Promise<string> {
    const text = `text ${(serial += 1)}`
    await world.repository.commit({ 'apps/web/settings.yaml': configMap('settings', text) })
    return text
  }

  /** I3, I4, I6, I7. */
  async function judge(): Promise<string> {
    offered.assertOneEach()
    for (const [name, { cluster }] of agents) {
      const deleted = cluster.calls.filter((call) => call.startsWith('delete'))
      assert.deepEqual(deleted, [], name)
    }
    const counted = await assertLedgerHolds(hub.data)
    assert.ok(counted.waves > 0)
    return JSON.stringify(counted)
  }

  it('F9: one in a hundred calls of every store and every API server fails: nothing comes of it', async (t) => {
    t.diagnostic(`SEED=${seed.text}`)
    let faults = 0
    store.breaks = () => {
      const broken = seed.random() < usualRate
      if (broken) faults += 1
      return broken
    }
    storm.on = true
    // Until there was something to survive.
    const isEnough = (): boolean => faults >= leastFaults && storm.faults >= leastFaults
    for (let round = 0; round < rounds || (round < mostRounds && !isEnough()); round += 1) {
      await untilAllHave(await say())
    }
    store.breaks = () => false
    storm.on = false
    t.diagnostic(`${faults} faults of Redis, ${storm.faults} of API servers`)
    assert.ok(isEnough())
    t.diagnostic(await judge())
  })

  const disturbances: Readonly<Record<string, () => Promise<void>>> = {
    'the hub is killed': async () => {
      await hub.kill()
      await hub.start()
    },
    'the hub stands still': async () => {
      process.kill(hub.process().pid, 'SIGSTOP')
      await lastFor(2_000)
      process.kill(hub.process().pid, 'SIGCONT')
    },
    'Redis is emptied': () => ask((client) => client.flushall()),
    'Redis hangs': () => ask((client) => client.client('PAUSE', 2_000, 'ALL')),
    'Redis is killed': async () => {
      await redis.kill()
      await redis.start()
    },
    'answers of Redis are lost': async () => {
      store.freeze('down')
      await lastFor(500)
      store.reset()
    },
    'the Git server is away': async () => {
      world.git.fail()
      await lastFor(2_000)
      world.git.resume()
    },
    'all links are cut': async () => link.reset(),
    'all links go dead': async () => {
      link.freeze('up', 'down')
      await lastFor(500)
      link.reset()
    },
    'agents are started again': async () => {
      const first = Math.floor(seed.random() * names.length)
      const some = [...names, ...names].slice(first, first + 5).map((name) => agents.get(name)!)
      await Promise.all(some.map((agent) => agent.stop()))
      // One that does not get through soon goes on trying.
      await Promise.all(some.map((agent) => agent.start().catch(() => {})))
    },
  }

  async function ask(work: (client: Redis) => Promise<unknown>): Promise<void> {
    const client = new Redis(redis.url)
    await work(client)
    client.disconnect()
  }

  it('F58: three to six of all that, at once and by chance: all go on, none too early', async (t) => {
    t.diagnostic(`SEED=${seed.text}`)
    for (let round = 0; round < rounds; round += 1) {
      const text = await say()
      storm.on = true
      const left = Object.keys(disturbances)
      const drawn = Array.from({ length: 3 + Math.floor(seed.random() * 4) }, () => {
        const [one] = left.splice(Math.floor(seed.random() * left.length), 1)
        return one!
      })
      t.diagnostic(drawn.join(', '))
      for (const name of drawn) {
        await lastFor(seed.random() * 1_000)
        await disturbances[name]!()
      }
      storm.on = false
      await untilAllHave(text)
    }
    t.diagnostic(await judge())
  })
})
