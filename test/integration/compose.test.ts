import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readSettings } from '@groundswell/proto/settings.ts'
import { composeSpecPath } from '../../deploy/setup/paths.mjs'
import { setUpComposeSpec } from '../../deploy/setup/compose-spec.mjs'
import { settingsTable as agentSettings } from '../../agent/config.ts'
import { settingsTable as hubSettings } from '../../hub/settings-table.ts'
import { freePort } from '../support/free-port.ts'
import { installSwell } from '../support/guide.ts'
import { startHub } from '../support/hub-process.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { startProcess } from '../support/process.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* docker-compose.yml, without Docker: what the compose specification's own loader makes of it, and the parts
   in it that are ours, run as it says. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

interface Part {
  readonly image: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly privileged?: boolean
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly user?: string
  readonly network_mode?: string
  readonly ports?: readonly { readonly host_ip?: string; readonly published: string }[]
  readonly volumes?: readonly {
    readonly type: string
    readonly source: string
    readonly target: string
  }[]
  readonly build?: { readonly dockerfile: string }
}

describe('docker-compose.yml', () => {
  let services: Readonly<Record<string, Part>> = {}
  const of = (name: string): Part => services[name] ?? assert.fail(`no service ${name}`)

  before(async () => {
    await setUpComposeSpec()
    const { stdout } = await run(composeSpecPath(), ['--format', 'json', 'docker-compose.yml'], {
      cwd: root,
      env: { PATH: process.env['PATH'] },
    })
    ;({ services } = JSON.parse(stdout) as { services: Record<string, Part> })
  })

  it('has all parts, and what it mounts and builds is there', () => {
    const clusters = ['lab', 'paris', 'oregon']
    assert.deepEqual(
      Object.keys(services).sort(),
      [
        ...['redis', 'prepare', 'git', 'hub', 'join', 'prometheus', 'grafana'],
        ...clusters.flatMap((name) => [`k3s-${name}`, `agent-${name}`]),
      ].sort(),
    )
    for (const [name, { volumes = [], build }] of Object.entries(services)) {
      for (const { type, source } of volumes) {
        if (type === 'bind') assert.ok(existsSync(source), `${name}: ${source}`)
      }
      if (build) assert.ok(existsSync(join(root, build.dockerfile)), name)
    }
    const command = of('redis').command!.join(' ')
    assert.match(command, /--appendonly yes --appendfsync always --maxmemory-policy noeviction/)
  })

  it('gives no more than is needed, and nothing to anybody but this machine', () => {
    for (const [name, service] of Object.entries(services)) {
      for (const port of service.ports ?? []) assert.equal(port.host_ip, '127.0.0.1', name)
      // A cluster in a container takes all of it.
      if (name.startsWith('k3s-')) continue
      assert.ok(!service.privileged, name)
      assert.deepEqual(service.cap_drop, ['ALL'], name)
      if (name !== 'prepare') assert.ok(service.read_only, name)
      assert.ok(name === 'prepare' || service.user !== '0:0', name)
    }
  })

  it('starts hub and agents with settings that they know', () => {
    const input = { env: {}, prefix: 'X_', file: {} }
    assert.ok(readSettings(hubSettings, { ...input, argv: of('hub').command! }).get('advertise'))
    for (const name of ['lab', 'paris', 'oregon']) {
      const agent = of(`agent-${name}`)
      const settings = readSettings(agentSettings, { ...input, argv: agent.command! })
      assert.equal(settings.get('tokenFile')?.value, `/join/${name}`)
      assert.equal(agent.network_mode, `service:k3s-${name}`)
    }
  })

  it('its Git server, hub and tokens work as it starts them, and a cluster joins', async () => {
    await using directory = await createTempDir('compose')
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const places: Readonly<Record<string, string>> = {
      '/compose': join(root, 'deploy/compose'),
      '/example': join(root, 'deploy/example'),
      '/example-greeter': join(root, 'deploy/example-greeter'),
      '/git': join(directory.path, 'git'),
      '/join': join(directory.path, 'join'),
    }
    await mkdir(places['/git']!)
    await mkdir(places['/join']!)
    const port = String(await freePort())
    const here = (word: string): string =>
      word === 'http://git:3000'
        ? `http://127.0.0.1:${port}`
        : word.replace(/\/[\w-]+/, (place) => places[place] ?? place)
    const startGit = () =>
      startProcess(
        process.execPath,
        [...of('git').entrypoint!.slice(1), ...of('git').command!].map(here),
        { name: 'git-server', logFile: join(directory.path, 'git.log') },
      )
    // The second time there is something already.
    await startGit().stop()
    const git = startGit()
    stack.defer(() => git.stop())
    const url = `http://127.0.0.1:${port}/fleet.git`
    await until(async () => (await fetch(`${url}/info/refs?service=git-upload-pack`)).ok, {
      ...{ deadlineMs: 20_000, what: 'the Git server to answer' },
    })

    const hub = await startHub({
      ...{ directory: directory.path, fleetUrl: url, path: 'fleet', redisUrl: redis.url },
      interval: '5s',
    })
    stack.defer(() => hub.stop())
    await until(async () => (await fetch(`${hub.url}/readyz`)).ok, {
      ...{ deadlineMs: 30_000, what: 'the hub to have read the example' },
    })
    await until(
      async () => {
        const { refused, faults } = await hub.api.get<{ refused: string | null; faults: object[] }>(
          'fleet',
        )
        assert.deepEqual([refused, faults], [null, []])
        return true
      },
      { deadlineMs: 30_000, what: 'its other repository to be read, too' },
    )
    const bin = await installSwell(directory.path)
    const join_ = of('join')
    const env = {
      ...join_.environment,
      SWELL_SERVER: hub.url,
      SWELL: join(bin, 'swell'),
      ADMIN_TOKEN: join(hub.data, 'admin-token'),
      INTO: places['/join']!,
      HOME: directory.path,
      PATH: process.env['PATH'],
    }
    const [shell, script] = join_.entrypoint!.map(here)
    await run(shell!, [script!], { env })
    const read = async (name: string) => readFile(join(places['/join']!, name), 'utf8')
    const first = await read('lab')
    await run(shell!, [script!], { env })
    assert.equal(await read('lab'), first, 'what is there is kept')
    await using agent = await startMemoryAgent(hub, 'lab', { token: first.trim() })
    assert.equal(agent.name, 'lab')
    const scraped = await fetch(`${hub.url}/metrics`, {
      headers: { authorization: `Bearer ${(await read('prometheus')).trim()}` },
    })
    assert.equal(scraped.status, 200)

    // Whoever wants to try something pushes.
    const work = join(directory.path, 'work')
    await run('git', ['clone', '--quiet', url, work])
    await writeFile(join(work, 'note.txt'), 'hello\n')
    const commit = ['-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '-qm', 'Note']
    await run('git', ['add', '.'], { cwd: work })
    await run('git', commit, { cwd: work })
    await run('git', ['push', '--quiet', 'origin', 'main'], { cwd: work })
    const head = (await run('git', ['rev-parse', 'HEAD'], { cwd: work })).stdout.trim()
    await until(async () => JSON.stringify(await hub.api.get('fleet')).includes(head), {
      ...{ deadlineMs: 20_000, what: 'the hub to see the push' },
    })
  })

  it('Prometheus takes its configuration', async (t) => {
    try {
      await run('promtool', ['--version'])
    } catch {
      return t.skip('promtool is not installed')
    }
    const file = join(root, 'deploy/compose/prometheus.yml')
    await run('promtool', ['check', 'config', '--syntax-only', file])
    assert.match(await readFile(file, 'utf8'), /hub:8080/)
  })
})
