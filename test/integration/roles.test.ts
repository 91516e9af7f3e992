import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, readdir, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitForRollout } from '../support/api-client.ts'
import { freePort } from '../support/free-port.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, runRefused, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { dialRole } from '../support/role-calls.ts'
import { startProcess } from '../support/process.ts'
import { type RoleProcesses, startRoles } from '../support/role-processes.ts'
import { until } from '../support/until.ts'

const hubProgram = fileURLToPath(new URL('../../hub/main.ts', import.meta.url))

const object = '/ConfigMap/web/settings'

describe('three roles', () => {
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let roles: RoleProcesses
  let agent: MemoryAgent
  let metricsPort: number
  before(async () => {
    world = await createSurroundings()
    metricsPort = await freePort()
    roles = await startRoles(world, { metricsPort })
    await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'text 0') })
    await untilReady(roles.api)
    agent = await startMemoryAgent(roles.api, 'a')
  })
  after(async () => {
    await agent[Symbol.asyncDispose]()
    await roles[Symbol.asyncDispose]()
    await world[Symbol.asyncDispose]()
  })

  it('roll a commit out', async () => {
    await waitForRollout(roles.api.api, 'web', 'Succeeded')
    assert.equal((agent.cluster.read(object)!['data'] as { text: string }).text, 'text 0')
    const { sources } = await roles.api.api.get<{ sources: { name: string }[] }>('fleet')
    assert.deepEqual(
      sources.map(({ name }) => name),
      ['fleet'],
    )
  })

  it('tell what they count: the front end of the fleet, the renderer of its own work', async () => {
    const scrape = async (url: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(url, { headers })
      assert.equal(answer.status, 200, url)
      return answer.text()
    }
    const authorization = `Bearer ${await roles.api.token()}`
    const hub = await scrape(`${roles.api.url}/metrics`, { authorization })
    for (const line of [
      /^groundswell_build_info\{version="[^"]+",role="api"\} 1$/m,
      /^groundswell_app_info\{app="web",project="",sync_status="Synced",health_status="Current"\} 1$/m,
      /^groundswell_app_clusters\{app="web",state="updated"\} 1$/m,
      /^groundswell_cluster_connection_status\{cluster="a"\} 1$/m,
      /^groundswell_rollouts_finished_total\{phase="Succeeded"\} 1$/m,
      /^groundswell_sync_total\{phase="Applied"\} [1-9]/m,
      /^groundswell_sync_duration_seconds_count\{phase="Applied"\} [1-9]/m,
      /^groundswell_reconcile_duration_seconds_count\{round="render",result="done"\} [1-9]/m,
      /^groundswell_source_last_fetch_timestamp_seconds\{source="fleet"\} \d/m,
      /^groundswell_http_request_duration_seconds_count\{route="\/api\/v1\/rollouts",status="2xx"\} [1-9]/m,
    ]) {
      assert.match(hub, line)
    }
    const renderer = await scrape(`http://127.0.0.1:${metricsPort}/metrics`)
    assert.match(renderer, /^groundswell_build_info\{version="[^"]+",role="renderer"\} 1$/m)
    assert.match(renderer, /^groundswell_renders_total\{kind="[a-z]+",result="done"\} [1-9]/m)
    assert.match(
      renderer,
      /^groundswell_git_request_duration_seconds_count\{operation="fetch",result="done"\} [1-9]/m,
    )
    assert.doesNotMatch(renderer, /groundswell_leader/)
  })

  it('are named in health and metrics while they are away, and no longer', async () => {
    const { url, token } = roles.api
    const warned = async () =>
      ((await (await fetch(`${url}/readyz`)).json()) as { warnings: string[] }).warnings
    for (const name of ['signer', 'renderer'] as const) {
      const code = `${name}_unavailable`
      await roles[name].kill()
      await until(async () => (await warned()).includes(code), {
        deadlineMs: 20_000,
        what: `health to name the ${name}`,
      })
      const authorization = `Bearer ${await token()}`
      const text = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text()
      assert.match(text, new RegExp(`groundswell_hub_fault{code="${code}"} 1`))
      roles[name].start()
      await until(async () => (await warned()).length === 0, {
        deadlineMs: 20_000,
        what: `the ${name} to be named no longer`,
      })
    }
  })

  it('T16: hold nothing of each other: the signer no port and no Redis, the others no signing key', async () => {
    const names = async (path: string) => readdir(path).catch(() => [])
    const keys = await names(join(roles.signer.data, 'keys'))
    assert.deepEqual(keys.filter((name) => name.endsWith('.jwk')).toSorted(), [
      'freshness.jwk',
      'root.jwk',
      'snapshot.jwk',
    ])
    for (const data of [roles.api.data, roles.renderer.data]) {
      assert.deepEqual(await names(join(data, 'keys')), [], data)
      assert.deepEqual(await names(join(data, 'signer')), [], data)
    }
    assert.deepEqual(await names(join(roles.api.data, 'mirrors')), [])
    assert.deepEqual(await names(join(roles.renderer.data, 'ca')), [])
    assert.deepEqual(await listInternetSockets(roles.signer.process().pid), [])
    assert.ok((await listInternetSockets(roles.api.process().pid)).length > 0)
    for (const socket of ['sign', 'attest', 'render']) {
      const { mode } = await stat(join(roles.sockets, socket))
      assert.equal(mode & 0o077, 0, socket)
    }
  })

  it('T16: the front end cannot attest: its socket to the signer has no such question', async () => {
    const { caller, close } = await dialRole(roles.sockets, 'sign')
    for (const method of ['attest', 'fold', 'constructor']) {
      await assert.rejects(caller.call(method, {}, { deadlineMs: 5_000 }), { code: 'invalid' })
    }
    await assert.rejects(caller.call('sign', { cluster: 'a' }, { deadlineMs: 5_000 }), {
      code: 'invalid',
    })
    await close()
  })

  it('T16: what the signer keeps is closed to the user that the front end runs as', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can become another user')
    const kept = [
      ...['keys/snapshot.jwk', 'keys/freshness.jwk', 'keys/root.jwk', 'signer/record.jsonl'].map(
        (name) => join(roles.signer.data, name),
      ),
      join(roles.sockets, 'attest', 'signer.sock'),
    ]
    const read = (path: string) =>
      spawnSync('cat', [path], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
    // What is around it is open, so that only its own modes keep it.
    const witness = join(roles.signer.data, 'witness')
    await writeFile(witness, 'seen', { mode: 0o644 })
    for (const path of [world.directory, roles.signer.data, roles.sockets]) await chmod(path, 0o755)
    assert.equal(read(witness).stdout, 'seen')
    for (const path of kept) {
      const { status, stdout, stderr } = read(path)
      assert.notEqual(status, 0, path)
      assert.equal(stdout, '')
      assert.match(stderr, /Permission denied/)
    }
  })

  it('refuse a second one of each by name, and a front end that holds signing keys', async () => {
    const second = await runRefused([
      ...['--role', 'signer', '--sockets', roles.sockets],
      ...['--data', join(world.directory, 'second')],
    ])
    assert.equal(second.code, 1)
    assert.match(second.words, /another process listens on .*attest/)
    const third = join(world.directory, 'third')
    await mkdir(join(third, 'keys'), { recursive: true })
    await writeFile(join(third, 'keys', 'snapshot.jwk'), '{}')
    const keys = await runRefused(['--role', 'api', '--sockets', roles.sockets, '--data', third])
    assert.equal(keys.code, 1)
    assert.match(keys.words, /holds signing keys/)
  })

  it('live before the signer is there, and are not ready', async () => {
    const data = join(world.directory, 'early')
    const port = await freePort()
    const args = ['--role', 'api', '--sockets', join(world.directory, 'nowhere'), '--data', data]
    // A fleet of its own: the front end of the other one is at work in this Redis.
    args.push('--name', 'early')
    const early = startProcess(
      process.execPath,
      [hubProgram, ...args, '--redis', roles.redis.url, '--api-port', String(port)],
      { name: 'early', logFile: join(world.directory, 'early.log'), env: process.env },
    )
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
    try {
      await until(async () => (await ask('/livez')) === 200, {
        deadlineMs: 20_000,
        what: 'the front end to live',
      })
      assert.equal(await ask('/readyz'), 503)
      assert.equal(await ask('/api/v1/summary'), 503)
      assert.equal(await ask('/metrics'), 503)
    } finally {
      await early.stop(10_000)
    }
  })

  it('end on SIGTERM with 0, whichever goes first, and leave no socket', async () => {
    await roles.signer.stop()
    assert.equal(roles.signer.process().exitCode, 0, roles.signer.process().readLog())
    await roles.renderer.stop()
    assert.equal(roles.renderer.process().exitCode, 0, roles.renderer.process().readLog())
    await roles.api.stop()
    assert.equal(roles.api.process().exitCode, 0, roles.api.process().readLog())
    for (const socket of ['sign', 'attest', 'render']) {
      const left = (await readdir(join(roles.sockets, socket))).filter((name) => name !== 'lock')
      assert.deepEqual(left, [], socket)
    }
  })
})

/** Of a process, by their numbers in the kernel: those that reach beyond this machine's file system. */
async function listInternetSockets(pid: number): Promise<string[]> {
  const inodes = new Set<string>()
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? []
    if (inode) inodes.add(inode)
  }
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].map((name) =>
    readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => ''),
  )
  const lines = (await Promise.all(tables)).flatMap((text) => text.split('\n').slice(1))
  return lines.map((line) => line.trim().split(/\s+/)[9] ?? '').filter((inode) => inodes.has(inode))
}
