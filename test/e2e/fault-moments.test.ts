import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { parseEnvelope } from '@groundswell/proto/envelope.ts'
import { parseSnapshot } from '@groundswell/proto/snapshot.ts'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { type ChaosProxy, openChaosProxy } from '../support/chaos-proxy.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { listChildren, stopProcess } from '../support/processes-of.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { startRoles } from '../support/role-processes.ts'
import { until } from '../support/until.ts'

/* A hub that is killed in the middle of what it does with a commit: it does it again, to the same bytes. */

const textOf = ({ cluster }: MemoryAgent): unknown =>
  (cluster.read('/ConfigMap/web/settings') as { data?: { text?: string } } | undefined)?.data?.text

/** What was offered under each number; the same number never stands for two contents. */
function createWitness() {
  const offered = new Map<string, Set<Digest>>()
  const newest = new Map<string, number>()
  return {
    watch: (cluster: string) => ({
      onOffer(envelope: Uint8Array): void {
        const payload = Buffer.from(parseEnvelope(envelope, 'snapshot').payload, 'base64url')
        const { epoch, sequence } = parseSnapshot(payload)
        const key = `${cluster} ${epoch}.${sequence}`
        offered.set(key, (offered.get(key) ?? new Set()).add(digestOf(payload)))
        assert.ok(sequence >= (newest.get(cluster) ?? 0), `${key} after ${newest.get(cluster)}`)
        newest.set(cluster, sequence)
      },
    }),
    judge(): void {
      assert.ok(offered.size > 0)
      for (const [key, digests] of offered) assert.equal(digests.size, 1, key)
    },
  }
}

/** Two thirds of a megabyte that do not get smaller. */
const bulk = configMap('bulk', randomBytes(500_000).toString('base64'))

async function digestsOf(hub: HubProcess): Promise<(string | null)[]> {
  const all = ['a', 'b', 'c'].map(async (name) => {
    const { applications } = await hub.api.get<{
      applications: { name: string; desiredDigest: string | null }[]
    }>(`clusters/${name}`)
    return applications.find((one) => one.name === 'web')?.desiredDigest ?? null
  })
  return Promise.all(all)
}

describe('a hub killed in the middle of', () => {
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let redis: TestRedis
  let hub: HubProcess
  let link: ChaosProxy
  const agents = new Map<string, MemoryAgent>()
  const witness = createWitness()
  const texts = () => [...agents.values()].map(textOf)

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    redis = stack.use(await startRedis())
    await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'none') })
    hub = await world.start({ redisUrl: redis.url, args: ['--enrol-rate', '100'] })
    await untilReady(hub)
    link = stack.use(await openChaosProxy(hub.dataAddress))
    for (const name of ['a', 'b', 'c']) {
      const hubs = [name === 'a' ? { ...hub, dataAddress: link.address } : hub]
      const options = { hubs, ...witness.watch(name) }
      agents.set(name, stack.use(await startMemoryAgent(hub, name, options)))
    }
    await untilAllHave('none', texts)
    await waitForRollout(hub.api, 'web', 'Succeeded')
  })

  after(() => stack?.disposeAsync())

  async function assertDone(text: string, commit: string): Promise<void> {
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    await untilAllHave(text, texts)
    const [digest, ...others] = await digestsOf(hub)
    assert.ok(digest)
    for (const other of others) assert.equal(other, digest)
    witness.judge()
    assert.ok((await assertLedgerHolds(hub.data)).waves > 0)
  }

  it('F1: a render', async () => {
    const { pid } = hub.process()
    const workers = await listChildren(pid, enginePath())
    assert.ok(workers.length > 0)
    await Promise.all(workers.map(stopProcess))
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', 'rendered'),
    })
    await until(() => hub.process().readLog().includes(`fleet repository at main@sha1:${commit}`), {
      ...{ deadlineMs: 20_000, what: 'the commit to be taken in' },
    })
    assert.ok(!(await newestRollout(hub.api, 'web'))?.revision.endsWith(commit), 'not rendered yet')
    await hub.kill()
    for (const worker of workers) process.kill(worker, 'SIGCONT')
    await until(() => workers.every((worker) => !isAlive(worker)), {
      deadlineMs: 10_000,
      what: 'the workers of the hub that died to end',
    })
    await hub.start()
    await assertDone('rendered', commit)
  })

  it('F1: sending', async () => {
    const begun = link.bytes.down
    link.rate = 100_000
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', 'sent'),
      'apps/web/bulk.yaml': bulk,
    })
    await until(() => link.bytes.down > begun + 100_000, {
      deadlineMs: 20_000,
      what: 'a part of the content to be on its way',
    })
    assert.equal(textOf(agents.get('a')!), 'rendered')
    const planned = await newestRollout(hub.api, 'web')
    await hub.kill()
    link.reset()
    link.rate = 0
    await hub.start()
    await assertDone('sent', commit)
    assert.equal((await newestRollout(hub.api, 'web'))?.id, planned?.id)
  })

  function isAlive(pid: number): boolean {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
})

it('F1: a hub killed while its signer signs: the same rollout, the same content', async () => {
  await using world = await createSurroundings()
  await using roles = await startRoles(world)
  const { api, signer } = roles
  const witness = createWitness()
  await world.repository.commit({
    ...{ ...clusterFiles, ...strategyFile('1s'), ...applicationFiles('web', 'none') },
  })
  await untilReady(api)
  await using a = await startMemoryAgent(api, 'a', witness.watch('a'))
  await using b = await startMemoryAgent(api, 'b', witness.watch('b'))
  await using c = await startMemoryAgent(api, 'c', witness.watch('c'))
  const texts = () => [a, b, c].map(textOf)
  await untilAllHave('none', texts)
  await waitForRollout(api.api, 'web', 'Succeeded')

  const commit = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'signed'),
  })
  await until(() => textOf(a) === 'signed', {
    ...{ deadlineMs: 30_000, intervalMs: 5, what: 'the canary to have it' },
  })
  process.kill(signer.process().pid, 'SIGSTOP')
  const { id } = (await newestRollout(api.api, 'web'))!
  const assigned = await until(
    async () => {
      const [canary, ...rest] = await digestsOf(api)
      return rest.includes(canary!) && canary
    },
    { deadlineMs: 20_000, what: 'one of the second wave to be assigned it' },
  )
  assert.deepEqual([textOf(b), textOf(c)], ['none', 'none'])
  await api.kill()
  process.kill(signer.process().pid, 'SIGCONT')
  await api.start()
  const ended = await waitForRollout(api.api, 'web', 'Succeeded', { commit })
  assert.equal(ended.id, id)
  await untilAllHave('signed', texts)
  assert.deepEqual(await digestsOf(api), [assigned, assigned, assigned])
  witness.judge()
  await assertLedgerHolds(api.data)
})
