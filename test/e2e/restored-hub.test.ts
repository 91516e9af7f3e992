import assert from 'node:assert/strict'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/* A hub is restored from a backup that is older than what its clusters run, and Git asks for waves that
   stand still: whoever is not reached by them keeps what it has. */

const soon = { deadlineMs: 40_000, intervalMs: 50 }

interface ClusterView {
  readonly connection: { readonly state: string }
  readonly auditFault: { readonly code: string; readonly message: string } | null
}

describe('a hub restored from an old backup', { concurrency: true }, () => {
  for (const beside of ['its Redis of now', 'an empty Redis', 'its signer’s record of now']) {
    const isKept = beside === 'its Redis of now'
    it(`T19: takes nothing back, beside ${beside}`, async () => {
      await using stack = new AsyncDisposableStack()
      const world = stack.use(await createSurroundings())
      const redis = stack.use(await startRedis())
      const { repository } = world
      await repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
      const hub = await world.start({ redisUrl: redis.url, args: ['--enrol-rate', '500'] })
      await untilReady(hub)
      const agents = new Map<string, MemoryAgent>()
      for (const name of ['a', 'b', 'c']) {
        agents.set(name, stack.use(await startMemoryAgent(hub, name)))
      }
      const textOf = (name: string, application: string): string | undefined =>
        (
          agents.get(name)!.cluster.read(`/ConfigMap/${application}/settings`) as
            { data?: { text?: string } } | undefined
        )?.data?.text
      const writes = (name: string): string[] =>
        agents
          .get(name)!
          .cluster.calls.filter((call) => /^(apply|delete) \/ConfigMap\/(web|shop)\//.test(call))
      const untilRun = (application: string, text: string, names = [...agents.keys()]) =>
        until(() => names.every((name) => textOf(name, application) === text), {
          ...{ ...soon, what: `${names.join()} to run ${application} ${text}` },
        })
      const view = (name: string) => hub.api.get<ClusterView>(`clusters/${name}`)
      const active = async () =>
        (await hub.api.get<{ items: { id: string }[] }>('rollouts?active=true')).items

      // 1. A backup of a hub that knows of one; then comes two, and another application.
      await untilRun('web', 'one')
      await hub.stop()
      const backup = join(world.directory, 'backup')
      await cp(hub.data, backup, { recursive: true })
      await hub.start()
      await untilReady(hub)
      await repository.commit({
        ...applicationFiles('web', 'two'),
        ...applicationFiles('shop', 'open'),
      })
      await untilRun('web', 'two')
      await untilRun('shop', 'open')
      await until(async () => (await active()).length === 0, { ...soon, what: 'an end' })

      // 2. It is lost, and Git away when it comes back.
      await hub.stop()
      // A backup of a hub that runs: its record was copied after its ledger.
      const record = join(hub.data, 'signer', 'record.jsonl')
      const kept = beside === 'its signer’s record of now' ? await readFile(record) : undefined
      await rm(hub.data, { recursive: true })
      await cp(backup, hub.data, { recursive: true })
      if (kept) await writeFile(record, kept)
      if (!isKept) {
        await redis.kill()
        await redis.lose()
        await redis.start()
      }
      await repository.commit(strategyFile('10m'))
      world.git.fail()
      const before = new Map([...agents.keys()].map((name) => [name, writes(name).length]))
      await hub.start()
      const untilTold = (names: readonly string[]) =>
        until(
          async () => {
            const views = await Promise.all(names.map(view))
            return views.every(({ auditFault }) => auditFault?.code === 'ledger_behind')
          },
          { ...soon, what: `${names.join()} to be said to be ahead` },
        )
      await untilTold(['a', 'b', 'c'])
      assert.match((await view('b')).auditFault?.message ?? '', /more of web than this hub/)

      // 3. Git is back: its waves begin with the canary, and stand there.
      world.git.resume()
      await until(
        async () => (await active()).length === 2 && (await view('a')).auditFault === null,
        { ...soon, what: 'the canary to be let out of it' },
      )
      await untilTold(['b', 'c'])
      for (const name of agents.keys()) {
        assert.equal(textOf(name, 'web'), 'two', name)
        assert.equal(textOf(name, 'shop'), 'open', name)
      }
      assert.deepEqual([writes('b').length, writes('c').length], [before.get('b'), before.get('c')])

      // 4. What is decided now arrives, and nothing older on the way.
      await repository.commit({
        ...strategyFile('0s'),
        ...applicationFiles('web', 'three'),
        ...applicationFiles('shop', 'closed'),
      })
      await untilRun('web', 'three')
      await untilRun('shop', 'closed')
      await until(async () => (await active()).length === 0, { ...soon, what: 'an end' })
      for (const name of agents.keys()) {
        assert.equal((await view(name)).auditFault?.code === 'ledger_behind', false, name)
        const deleted = writes(name).filter((call) => call.startsWith('delete'))
        assert.deepEqual(deleted, [], name)
      }
    })
  }

  it('signs what runs where its ledger knows of it and the record of its signer does not', async () => {
    await using stack = new AsyncDisposableStack()
    const world = stack.use(await createSurroundings())
    const redis = stack.use(await startRedis())
    const { repository } = world
    await repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
    const hub = await world.start({ redisUrl: redis.url, args: ['--enrol-rate', '500'] })
    await untilReady(hub)
    const agents = new Map<string, MemoryAgent>()
    for (const name of ['a', 'b', 'c']) {
      agents.set(name, stack.use(await startMemoryAgent(hub, name)))
    }
    const untilRun = (application: string, text: string, names = [...agents.keys()]) =>
      until(
        () =>
          names.every((name) => {
            const found = agents.get(name)!.cluster.read(`/ConfigMap/${application}/settings`)
            return JSON.stringify(found ?? '').includes(`"${text}"`)
          }),
        { ...soon, what: `${names.join()} to run ${application} ${text}` },
      )
    // 1. After the backup comes two, and then three as far as the canary.
    await untilRun('web', 'one')
    await hub.stop()
    const backup = join(world.directory, 'backup')
    await cp(join(hub.data, 'signer'), backup, { recursive: true })
    await hub.start()
    await repository.commit(applicationFiles('web', 'two'))
    await untilRun('web', 'two')
    await repository.commit({ ...strategyFile('10m'), ...applicationFiles('web', 'three') })
    await untilRun('web', 'three', ['a'])
    // 2. The ledger's remote had all of it; the rest is from the backup.
    await hub.stop()
    await rm(join(hub.data, 'signer'), { recursive: true })
    await cp(backup, join(hub.data, 'signer'), { recursive: true })
    await redis.kill()
    await redis.lose()
    await redis.start()
    await hub.start()
    await untilReady(hub)
    // 3. What is new comes to those that run two, which nobody renders any more.
    await repository.commit({ ...strategyFile('0s'), ...applicationFiles('shop', 'open') })
    await untilRun('shop', 'open')
    await untilRun('web', 'two', ['b', 'c'])
  })
})
