import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { createApiClient } from '../support/api-client.ts'
import { startControlPlane } from '../support/control-plane.ts'
import {
  buildStage,
  copyInto,
  parseCopy,
  readDockerfile,
  splitStages,
} from '../support/dockerfile.ts'
import { freePort } from '../support/free-port.ts'
import { createSurroundings } from '../support/hub-surroundings.ts'
import { addNode, layOutBase, layOutRoot } from '../support/image-root.ts'
import { assertRunning, startProcess } from '../support/process.ts'
import { startRedis } from '../support/redis.ts'
import { type TempDir, createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* The images, where there is no Docker: the build stages of their Dockerfiles are carried out in plain directories, twice, and
   what comes of them is started in a root directory of its own, by nobody, who may write to /tmp alone. */

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

/** Path → digest of each file below a directory: contents, modes and links, and no times. */
async function digestTree(directory: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(directory, { recursive: true })
  for (const path of entries.toSorted()) {
    const place = join(directory, path)
    const found = await lstat(place)
    hash.update(`${path}\0${found.mode}\0`)
    if (found.isSymbolicLink()) hash.update(await readlink(place))
    else if (found.isFile()) hash.update(await readFile(place))
  }
  return hash.digest('hex')
}

/** Builds all stages of an image that need no Debian; gives where each is. */
async function buildStages(name: string, below: string): Promise<Map<string, string>> {
  const stages = splitStages(await readDockerfile(name))
  const image = stages.at(-1)!
  const taken = image.instructions
    .filter(({ word }) => word === 'COPY')
    .map(({ rest }) => parseCopy(rest))
  const built = new Map<string, string>()
  for (const stage of stages) {
    if (stage.name === null || stage.name === 'programs') continue
    const root = join(below, stage.name)
    const outputs = taken.filter(({ from }) => from === stage.name)
    await buildStage(
      stage,
      root,
      outputs.flatMap(({ sources }) => sources),
    )
    built.set(stage.name, root)
  }
  return built
}

/** Copies what the image takes of its stages, and gives how it is started. */
async function assemble(name: string, built: ReadonlyMap<string, string>, root: string) {
  const { instructions } = splitStages(await readDockerfile(name)).at(-1)!
  const env: Record<string, string> = {}
  for (const { word, rest } of instructions) {
    if (word === 'ENV') {
      for (const [, key, value] of rest.matchAll(/(\w+)=(\S+)/g)) env[key!] = value!
    }
    if (word !== 'COPY') continue
    const { from, chmod: mode, sources, to } = parseCopy(rest)
    const stage = built.get(from!)
    if (stage === undefined) continue
    for (const source of sources) {
      await copyInto(join(stage, source), join(root, to))
      if (mode !== undefined) await chmod(join(root, to), Number.parseInt(mode, 8))
    }
  }
  const entry = JSON.parse(instructions.find(({ word }) => word === 'ENTRYPOINT')!.rest) as string[]
  return { entry, env }
}

describe('the images', { skip: isRoot ? false : 'changing the root directory takes root' }, () => {
  let directory: TempDir
  let hubStages: Map<string, string>
  let agentStages: Map<string, string>
  const at = (...parts: string[]): string => join(directory.path, ...parts)

  before(async () => {
    directory = await createTempDir('image-build')
    await chmod(directory.path, 0o755)
    hubStages = await buildStages('hub', at('hub-one'))
    agentStages = await buildStages('agent', at('agent-one'))
  })
  after(() => directory.remove())

  it('are the same files each time', async () => {
    const again = await buildStages('hub', at('hub-two'))
    for (const [stage, path] of [
      ['engine', 'groundswell-engine'] as const,
      ['app', 'app/dist'] as const,
      ['app', 'cli'] as const,
    ]) {
      const [one, two] = [hubStages, again].map((built) => join(built.get(stage)!, path))
      const digest = async (place: string) =>
        (await lstat(place)).isDirectory()
          ? digestTree(place)
          : createHash('sha256')
              .update(await readFile(place))
              .digest('hex')
      assert.equal(await digest(one!), await digest(two!), stage)
    }
    const { buildAgent } = await import('../../deploy/build/agent.mjs')
    const { digest } = await buildAgent(at('agent.mjs'))
    const built = await readFile(join(agentStages.get('build')!, 'src/dist/agent.mjs'))
    assert.equal(createHash('sha256').update(built).digest('hex'), digest)
  })

  it('run as nobody, and write nowhere but to what they are given', async () => {
    await using stack = new AsyncDisposableStack()
    const world = stack.use(await createSurroundings())
    const redis = stack.use(await startRedis())
    const plane = stack.use(await startControlPlane({ name: 'a' }))
    const root = at('hub-root')
    await mkdir(root)
    await layOutRoot(root)
    await addNode(root)
    const hub = await assemble('hub', hubStages, root)
    const before_ = await digestTree(join(root, 'app'))
    const inside = (entry: readonly string[], env: Record<string, string>, name: string) => {
      const started = startProcess(
        '/usr/sbin/chroot',
        ['--userspec=65532:65532', name === 'hub' ? root : at('agent-root'), ...entry],
        { name, logFile: at(`${name}.log`), env: { ...env, HOME: '/tmp' } },
      )
      stack.defer(() => started.stop(15_000))
      return started
    }
    const [api, enrol, data] = [await freePort(), await freePort(), await freePort()]
    const running = inside(
      [
        ...[...hub.entry, '--fleet', world.fleetUrl, '--path', 'fleet', '--redis', redis.url],
        ...['--data', '/tmp/hub', '--interval', '1s', '--api-port', String(api)],
        ...['--enrol-port', String(enrol), '--data-port', String(data)],
      ],
      hub.env,
      'hub',
    )
    const url = `http://127.0.0.1:${api}`
    await until(
      async () => {
        assertRunning(running)
        return (await fetch(`${url}/readyz`)).ok
      },
      { deadlineMs: 40_000, intervalMs: 200, what: 'the hub of the image to be ready' },
    )
    const status = await readFile(`/proc/${running.pid}/status`, 'utf8')
    assert.match(status, /^Uid:\s+65532\s+65532/m)
    const token = (await readFile(join(root, 'tmp/hub/admin-token'), 'utf8')).trim()
    const swell = await run(
      '/usr/sbin/chroot',
      ['--userspec=65532:65532', root, '/usr/local/bin/swell', 'get', 'clusters', '-o', 'name'],
      { env: { ...hub.env, HOME: '/tmp', SWELL_SERVER: url, SWELL_TOKEN: token } },
    )
    assert.equal(swell.stdout, 'cluster/a\ncluster/b\ncluster/c\n')

    // The agent's base has Node and nothing else.
    const agentRoot = at('agent-root')
    await mkdir(join(agentRoot, 'tmp'), { recursive: true })
    await chmod(join(agentRoot, 'tmp'), 0o777)
    await layOutBase(agentRoot)
    await addNode(agentRoot)
    const agent = await assemble('agent', agentStages, agentRoot)
    await copyInto(plane.kubeconfig, join(agentRoot, 'tmp/kubeconfig'))
    await chmod(join(agentRoot, 'tmp/kubeconfig'), 0o644)
    const client = createApiClient(url, async () => token)
    const made = await client.post<{ token: string }>('clusters/a/tokens', { preApproved: true })
    const joined = inside(
      [
        ...[...agent.entry, '--hub', `127.0.0.1:${enrol}`, '--token', made.token],
        ...['--kubeconfig', '/tmp/kubeconfig', '--data', '/tmp/agent'],
      ],
      agent.env,
      'agent',
    )
    await until(
      async () => {
        assertRunning(joined)
        const { connection } = await client.get<{ connection: { state: string } }>('clusters/a')
        return connection.state === 'Connected'
      },
      { deadlineMs: 30_000, intervalMs: 200, what: 'the agent of the image to be connected' },
    )
    assert.equal(await digestTree(join(root, 'app')), before_, 'nothing of the image was written')
  })
})
