import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { newestRollout, type RolloutSummary } from '../support/api-client.ts'
import { type ChaosProxy, openChaosProxy } from '../support/chaos-proxy.ts'
import { createFaultyCluster, type Storm } from '../support/faulty-cluster.ts'
import { applicationFiles, configMap, ringedClusters } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import { createOfferRecord } from '../support/offer-record.ts'
import { startRedis } from '../support/redis.ts'
import { createSeed, type Seed } from '../support/seed.ts'
import { until } from '../support/until.ts'

/* What operators do, while Redis, Git, the links to agents and the API servers behind them all fail
   by chance. `SEED` draws the first lot again, `LOTS=20` draws more of them. */

const lots = Number(process.env['LOTS'] ?? 3)
const doingsInLot = 3
const names = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5']
/** Of pieces of data that go to Redis and back, to Git, and to agents. */
const rates = { redis: 0.01, git: 0.05, links: 0.01 } as const

const api = 'apiVersion: groundswell.dev/v1alpha1'
const strategy = `${api}
kind: RolloutStrategy
metadata: { name: careful }
spec:
  maxFailures: 100%
  onFailure: continue
  waves:
    - { name: canary, selector: { matchLabels: { ring: canary } }, maxConcurrent: 1, maxFailures: 100%, soak: 300ms }
    - { name: production, selector: { matchLabels: { ring: production } }, maxConcurrent: 2, maxFailures: 100% }
`
const settings = 'apps/web/settings.yaml'

describe('F9: what operators do', () => {
  const storm: Storm = { on: false, faults: 0 }
  const faults = { redis: 0, git: 0, links: 0 }
  const agents = new Map<string, MemoryAgent>()
  const offered = createOfferRecord()
  let seed: Seed
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let proxies: Readonly<Record<keyof typeof rates, ChaosProxy>>
  let hub: HubProcess
  let text = 'text 0'
  let serial = 0
  let left: string[] = []

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    const redis = stack.use(await startRedis())
    const [store, git] = [
      stack.use(await openChaosProxy(new URL(redis.url).host)),
      stack.use(await openChaosProxy(new URL(world.fleetUrl).host)),
    ]
    await world.repository.commit({
      ...ringedClusters(names, 2),
      'fleet/strategy.yaml': strategy,
      ...applicationFiles('web', text),
    })
    hub = await world.start({
      redisUrl: `redis://${store.address}`,
      fleetUrl: world.fleetUrl.replace(new URL(world.fleetUrl).host, git.address),
      interval: '500ms',
    })
    await untilReady(hub)
    proxies = { redis: store, git, links: stack.use(await openChaosProxy(hub.dataAddress)) }
    await Promise.all(names.map(join))
    await until(() => textIn('web').every((one) => one === text), {
      deadlineMs: 30_000,
      what: 'a start',
    })
  })
  after(() => stack?.disposeAsync())

  async function join(name: string): Promise<void> {
    const memory = createMemoryCluster({ uid: randomUUID() })
    const cluster = { ...memory, ...createFaultyCluster(memory, () => seed.random() * 3, storm) }
    const onOffer = (envelope: Uint8Array): void => offered.note(name, envelope)
    const hubs = [{ ...hub, dataAddress: proxies.links.address }]
    agents.set(name, stack.use(await startMemoryAgent(hub, name, { cluster, hubs, onOffer })))
  }

  const textIn = (namespace: string) =>
    names.map((name) => {
      const found = agents.get(name)!.cluster.read(`/ConfigMap/${namespace}/settings`)
      return (found as { data?: { text?: string } } | undefined)?.data?.text
    })
  const within = (what: string) => ({
    ...{ deadlineMs: 60_000, intervalMs: 100 },
    what: `${what}, SEED=${seed.text}`,
  })

  /** As somebody does who is told to come again. */
  const insist = <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> =>
    until(() => ask().catch(() => undefined), within(what))

  function say(): Promise<string> {
    text = `text ${(serial += 1)}`
    return world.repository.commit({ [settings]: configMap('settings', text) })
  }

  const all = (wanted: string | undefined, namespace = 'web') =>
    until(
      () => {
        const found = textIn(namespace)
        if (found.every((one) => one === wanted)) return true
        throw new Error(`they have ${found.join()}`)
      },
      within(`all to have ${wanted} in ${namespace}`),
    )
  const allSayIt = () => all(text)
  const under = (commit: string, application = 'web') =>
    insist(`a rollout of ${commit}`, async (): Promise<RolloutSummary | undefined> => {
      const found = await newestRollout(hub.api, application)
      return found?.revision.endsWith(commit) ? found : undefined
    })
  const phaseOf = async (id: string) => (await hub.api.get<RolloutSummary>(`rollouts/${id}`)).phase
  const isOver = (phase: string) =>
    !['Planned', 'Progressing', 'Paused', 'RollingBack'].includes(phase)

  /** Does it to a rollout that may be over by then, whose answer may be lost. */
  const act = (id: string, action: string, phases: readonly string[]) =>
    insist(`${id} to be ${phases.join(' or ')}`, async () => {
      const before = await phaseOf(id)
      if (phases.includes(before) || isOver(before)) return before
      await hub.api.post(`rollouts/${id}/${action}`)
      return undefined
    })

  const doings: Readonly<Record<string, () => Promise<void>>> = {
    async 'a change goes out'() {
      await say()
      await allSayIt()
    },
    async 'a change is paused and goes on'() {
      const { id } = await under(await say())
      await act(id, 'pause', ['Paused'])
      await act(id, 'resume', ['Progressing'])
      await allSayIt()
    },
    async 'a change is rolled back, and the next one goes out'() {
      const { id } = await under(await say())
      const became = await act(id, 'rollback', ['RollingBack', 'RolledBack'])
      if (!isOver(became) || became === 'RolledBack') {
        await insist('it to be rolled back', async () => (await phaseOf(id)) === 'RolledBack')
        // What had failed somewhere before is not what is gone back to there.
        const bad = text
        await until(() => textIn('web').every((one) => one !== bad), within(`${bad} to be gone`))
      }
      await say()
      await allSayIt()
    },
    async 'the hub is killed while a change goes out'() {
      await under(await say())
      await hub.kill()
      // As whoever supervises it does: one whose connection to Redis is cut in its first second ends.
      await until(() => hub.start().then(() => true), within('the hub to serve'))
      await allSayIt()
    },
    async 'an application comes and goes'() {
      const files = applicationFiles('extra', 'here')
      await world.repository.commit(files)
      await all('here', 'extra')
      const commit = await world.repository.commit(
        Object.fromEntries(Object.keys(files).map((path) => [path, null])),
      )
      const going = await under(commit, 'extra')
      // A removal that fails anywhere waits for a person, who has it tried again.
      await insist('the removal to be over', async () => {
        const phase = await phaseOf(going.id)
        if (phase === 'Paused') await hub.api.post(`rollouts/${going.id}/retry`)
        return isOver(phase)
      })
      await all(undefined, 'extra')
    },
  }

  /** I3, I4, I6, I7. */
  async function judge(): Promise<string> {
    offered.assertOneEach()
    for (const [name, { cluster }] of agents) {
      const deleted = cluster.calls.filter((call) => call.startsWith('delete'))
      assert.deepEqual(
        deleted.filter((call) => !call.includes('extra')),
        [],
        name,
      )
    }
    return JSON.stringify(await assertLedgerHolds(hub.data))
  }

  for (let lot = 0; lot < lots; lot += 1) {
    it(`F9: comes to its end under faults everywhere, lot ${lot + 1}`, async (t) => {
      seed = createSeed(lot === 0 ? process.env['SEED'] : undefined)
      t.diagnostic(`SEED=${seed.text}`)
      for (const kind of ['redis', 'git', 'links'] as const) {
        proxies[kind].breaks = () => {
          const broken = seed.random() < rates[kind]
          if (broken) faults[kind] += 1
          return broken
        }
      }
      storm.on = true
      for (let at = 0; at < doingsInLot; at += 1) {
        // Each once before any comes again.
        if (left.length === 0) left = Object.keys(doings)
        const [name] = left.splice(Math.floor(seed.random() * left.length), 1)
        t.diagnostic(name!)
        await doings[name!]!()
      }
      storm.on = false
      for (const proxy of Object.values(proxies)) proxy.breaks = () => false
      t.diagnostic(await judge())
      t.diagnostic(JSON.stringify({ ...faults, api: storm.faults }))
    })
  }

  it('F9: there was something to survive', () => {
    assert.ok(
      storm.faults > 0 && Object.values(faults).every((count) => count > 0),
      JSON.stringify(faults),
    )
  })
})
