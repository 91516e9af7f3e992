import assert from 'node:assert/strict'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import { installSwell, readGuide, runCommands } from '../support/guide.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/* deploy/docs/backup.md and disaster.md, rehearsed in one go: each disaster befalls the same fleet, and each time
   what the guide prints is run as it stands. */

const soon = { deadlineMs: 40_000, intervalMs: 100 }

describe('the disaster guide', () => {
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let redis: TestRedis
  let hub: HubProcess
  let bin: string
  let guides: Map<string, readonly string[]>
  let cwd: string
  const agents = new Map<string, MemoryAgent>()
  const untried = new Set<string>()

  const place = (name: string): string => join(world.directory, name)
  const textOf = (name: string): string =>
    JSON.stringify(agents.get(name)!.cluster.read('/ConfigMap/web/settings') ?? '')

  /** Of the hub that runs, if one does. */
  async function login(): Promise<Record<string, string>> {
    const token = await hub?.token().catch(() => undefined)
    return token === undefined ? {} : { SWELL_SERVER: hub.url, SWELL_TOKEN: token }
  }

  /** Runs the blocks of a section, or one of them. */
  async function follow(
    section: string,
    at?: number,
    env: Record<string, string> = {},
  ): Promise<string> {
    const blocks = guides.get(section) ?? assert.fail(`no section ${section}`)
    let said = ''
    for (const [index, commands] of blocks.entries()) {
      if (at !== undefined && at !== index) continue
      untried.delete(`${section} ${index}`)
      said += await runCommands(commands, {
        ...{ cwd, bin },
        env: {
          HUB_DATA: place('hub'),
          REDIS_URL: redis.url,
          TRUST: place('trust'),
          BACKUPS: place('backups'),
          ...(await login()),
          ...env,
        },
      })
    }
    return said
  }

  /** Git asks for another text; every agent runs it in the end, and nothing else in between. */
  async function say(text: string): Promise<void> {
    await world.repository.commit(applicationFiles('web', text))
    await runs(text)
  }
  const runs = (text: string) =>
    until(() => [...agents.keys()].every((name) => textOf(name).includes(`"${text}"`)), {
      ...{ ...soon, what: `every agent to run ${text}` },
    })
  const connected = () =>
    until(
      async () => {
        const { items } = await hub.api.get<{
          items: { name: string; connection: { state: string } }[]
        }>('clusters')
        const there = items.filter(({ connection }) => connection.state === 'Connected')
        return [...agents.keys()].every((name) => there.some((one) => one.name === name))
      },
      { ...soon, what: 'every agent to be connected' },
    )

  before(async () => {
    world = await createSurroundings()
    redis = await startRedis()
    bin = await installSwell(world.directory)
    cwd = place('somewhere')
    await mkdir(cwd)
    await mkdir(place('trust'))
    await mkdir(place('backups'))
    guides = new Map([
      ...(await readGuide('deploy/docs/backup.md')),
      ...(await readGuide('deploy/docs/disaster.md')),
    ])
    for (const [section, blocks] of guides) {
      for (const index of blocks.keys()) untried.add(`${section} ${index}`)
    }
    await follow('Before it happens')
    await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
    hub = await world.start({ redisUrl: redis.url, args: ['--enrol-rate', '500'] })
    await untilReady(hub)
    for (const name of ['a', 'b', 'c']) agents.set(name, await startMemoryAgent(hub, name))
    await runs('one')
  })

  after(async () => {
    for (const agent of agents.values()) await agent.stop()
    await world?.[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
  })

  let backup: string

  test('a backup is taken of a hub that runs, for its owner alone, and can be read', async () => {
    // What a hub is about to rename may be gone before it is copied.
    const receipts = join(place('hub'), 'receipts')
    await mkdir(receipts, { recursive: true })
    for (const name of ['whole.json.gz', 'other.json.gz.new']) {
      await writeFile(join(receipts, name), '')
    }
    await follow('Take one')
    const [name] = await readdir(place('backups'))
    backup = join(place('backups'), name!)
    assert.equal((await stat(backup)).mode & 0o777, 0o600)
    const said = await follow('Look at one', undefined, { BACKUP: backup })
    assert.match(said, /\.\/signer\/record\.jsonl/)
    const listed = await runCommands('tar -tzf "$BACKUP"', { cwd, bin, env: { BACKUP: backup } })
    assert.match(listed, /^\.\/receipts\/whole\.json\.gz$/m)
    assert.doesNotMatch(listed, /\.new$/m)
    await say('two')
  })

  test('a lost Redis is rebuilt, and the fleet moves on', async () => {
    const offered = await sequences()
    await redis.kill()
    await redis.lose()
    await redis.start()
    await until(() => untilReady(hub).then(() => true), { ...soon, what: 'the hub to be ready' })
    const said = await follow('A lost Redis')
    assert.match(said, /PONG/)
    assert.match(said, /^a +/m)
    await say('three')
    for (const [name, sequence] of await sequences()) assert.ok(sequence > offered.get(name)!, name)
  })

  test('a lost hub is restored from a backup that is older than what runs', async () => {
    const before_ = await sequences()
    await hub.stop()
    await rm(place('hub'), { recursive: true })
    await follow('Restore one', undefined, { BACKUP: backup })
    await hub.start()
    await untilReady(hub)
    await connected()
    const said = await follow('A lost hub', undefined, { CLUSTER: 'a' })
    assert.match(said, /^web +/m)
    for (const name of agents.keys()) {
      assert.match(textOf(name), /"three"/, 'nothing went back to what the backup knew')
    }
    await say('four')
    for (const [name, sequence] of await sequences()) assert.ok(sequence > before_.get(name)!, name)
  })

  test('a lost online key is replaced by the root keys', async () => {
    await hub.stop()
    await rename(join(place('hub'), 'keys/snapshot.jwk'), place('snapshot.jwk.lost'))
    await follow('Lost keys', 0)
    await hub.start()
    await untilReady(hub)
    await connected()
    await say('five')
  })

  test('a compromised key counts no more, in a new epoch', async () => {
    await follow('A compromised key')
    await say('six')
    for (const agent of agents.values()) assert.equal((await agent.trust.load()).epoch, 2)
  })

  test('a compromised cluster is cut off, keeps what runs, and joins again when it is new', async () => {
    const taken = agents.get('c')!
    agents.delete('c')
    const said = await follow('A compromised cluster', 0, { CLUSTER: 'c' })
    assert.match(said, /^c +Revoked/m)
    await say('seven')
    assert.match(JSON.stringify(taken.cluster.read('/ConfigMap/web/settings')), /"six"/)
    await taken.stop()
    const token = (await follow('A compromised cluster', 1, { CLUSTER: 'c' })).trim()
    agents.set('c', await startMemoryAgent(hub, 'c', { token }))
    await runs('seven')
  })

  test('an agent whose namespace was deleted is joined again, and nothing that runs is made anew', async () => {
    const before_ = agents.get('b')!
    const { cluster } = before_
    const uidOf = () => cluster.read('/ConfigMap/web/settings')?.metadata.uid
    const uid = uidOf()
    await before_.stop()
    cluster.drop('/Namespace//groundswell-system')
    const from = cluster.calls.length
    const section = 'A deleted namespace of an agent'
    const token = (await follow(section, undefined, { CLUSTER: 'b' })).trim()
    agents.set('b', await startMemoryAgent(hub, 'b', { token, cluster }))
    await say('seven and a half')
    assert.equal(uidOf(), uid)
    assert.deepEqual(
      cluster.calls.slice(from).filter((call) => call.startsWith('delete')),
      [],
    )
    await say('seven')
  })

  test('all keys lost, without a backup: agents join again, and nothing that runs is made anew', async () => {
    const uidOf = (agent: MemoryAgent) =>
      (agent.cluster.read('/ConfigMap/web/settings') as { metadata: { uid: string } }).metadata.uid
    await hub.stop()
    await rm(place('hub'), { recursive: true })
    await redis.kill()
    await redis.lose()
    await redis.start()
    const uids = new Map([...agents].map(([name, agent]) => [name, uidOf(agent)]))
    await hub.start()
    await untilReady(hub)
    for (const [name, before_] of [...agents]) {
      assert.match(textOf(name), /"seven"/, 'what ran goes on meanwhile')
      await before_.stop()
      const token = (await follow('Lost keys', 1, { CLUSTER: name })).trim()
      agents.set(name, await startMemoryAgent(hub, name, { token, cluster: before_.cluster }))
    }
    await runs('seven')
    await say('eight')
    for (const [name, agent] of agents) assert.equal(uidOf(agent), uids.get(name), name)
  })

  test('every command of both guides was run', () => {
    assert.deepEqual([...untried], [])
  })

  async function sequences(): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    for (const [name, agent] of agents) found.set(name, (await agent.trust.load()).sequence)
    return found
  }
})
