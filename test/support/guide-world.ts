import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { fleetPath, readExample, repositories } from '../demo/example.ts'
import { waitForRollout } from './api-client.ts'
import { testGitEnv } from './git-repository.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { type HubProcess, startHub } from './hub-process.ts'
import { untilReady } from './hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from './memory-agent.ts'
import { type Printed, type PrintedOptions, openPrinted } from './printed.ts'
import { installPrograms } from './programs.ts'
import { startRedis } from './redis.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** What the guides begin with: the example in a Git server, a hub that follows it, its clusters, and a clone to work in. */
export interface GuideWorld extends AsyncDisposable {
  readonly directory: string
  readonly git: GitServer
  readonly hub: HubProcess
  readonly agents: ReadonlyMap<string, MemoryAgent>
  /** What stands for `https://git.example`. */
  readonly origin: string
  /** The clone, where commands run. */
  readonly clone: string
  readonly printed: Printed
  /** Writes files into the clone. */
  write(files: Readonly<Record<string, string | null>>): Promise<void>
  /** Commits all that lies in the clone; gives the commit's id. */
  commit(message: string): Promise<string>
  /** As `commit`, and pushes; returns when the hub has read it. */
  push(message: string): Promise<string>
  /** The hub has read the newest commit of the clone. */
  read(): Promise<string>
  inClone(...args: readonly string[]): Promise<string>
}

export interface GuideWorldOptions {
  readonly clusters?: readonly string[]
  readonly programs?: Parameters<typeof installPrograms>[1]
  readonly placeholders?: PrintedOptions['placeholders']
  readonly args?: readonly string[]
}

const applications = ['notice', 'storefront', 'greeter']

/** Starts it; returns when every cluster runs the example. */
export async function startGuideWorld(
  pages: readonly string[],
  options: GuideWorldOptions = {},
): Promise<GuideWorld> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await createTempDir('guide')).path
  const [git, redis, bin] = await Promise.all([
    startGitServer(),
    startRedis(),
    installPrograms(directory, options.programs),
  ])
  stack.use(git)
  stack.use(redis)
  for (const [name, from] of Object.entries(repositories))
    await git.createRepository(name, { from })
  await git.createRepository('fleet')
  const clone = join(directory, 'fleet')
  const env = { PATH: process.env['PATH'], ...testGitEnv }
  const run = async (cwd: string, args: readonly string[]) =>
    (await promisify(execFile)('git', [...args], { cwd, env })).stdout.trim()
  await run(directory, ['clone', '--quiet', git.url('fleet'), clone])

  async function write(files: Readonly<Record<string, string | null>>): Promise<void> {
    for (const [file, text] of Object.entries(files)) {
      const place = join(clone, file)
      await mkdir(dirname(place), { recursive: true })
      if (text === null) await rm(place, { recursive: true })
      else await writeFile(place, text)
    }
  }
  async function commit(message: string): Promise<string> {
    await run(clone, ['add', '--all'])
    await run(clone, ['commit', '--quiet', '--message', message])
    return run(clone, ['rev-parse', 'HEAD'])
  }
  const example = await readExample((name) => git.url(name))
  // Nobody watches here.
  const hasty = Object.entries(example).map(([path, text]) => [
    path,
    text.replaceAll('soak: 3s', 'soak: 0s'),
  ])
  await write(Object.fromEntries(hasty))
  await commit('Begin with the example')
  await run(clone, ['push', '--quiet', 'origin', 'HEAD'])

  const hub = await startHub({
    ...{ directory, fleetUrl: git.url('fleet'), path: fleetPath, redisUrl: redis.url },
    ...{ interval: '1s', args: ['--enrol-rate', '500', ...(options.args ?? [])] },
  })
  stack.defer(() => hub.stop())
  await untilReady(hub)
  const { origin } = new URL(git.url('fleet'))
  const agents = new Map<string, MemoryAgent>()
  for (const name of options.clusters ?? ['lab', 'paris', 'oregon']) {
    agents.set(name, stack.use(await startMemoryAgent(hub, name)))
  }
  if (agents.size > 0) {
    for (const name of applications) await waitForRollout(hub.api, name, 'Succeeded')
  }
  const printed = await openPrinted(pages, {
    cwd: clone,
    logs: directory,
    bin: [bin],
    env: {
      ...testGitEnv,
      HOME: directory,
      SWELL_SERVER: hub.url,
      SWELL_TOKEN: await hub.token(),
      GROUNDSWELL_ENGINE: enginePath(),
    },
    placeholders: {
      'https://git.example': origin,
      ...options.placeholders,
    },
  })
  const read = async (): Promise<string> => {
    const head = await run(clone, ['rev-parse', 'HEAD'])
    await until(async () => JSON.stringify(await hub.api.get('fleet')).includes(head), {
      ...{ deadlineMs: 30_000, what: `the hub to have read ${head}` },
    })
    return head
  }
  const owned = stack.move()
  return {
    ...{ origin, directory, git, hub, agents, clone, printed, write, commit, read },
    async push(message) {
      await commit(message)
      await run(clone, ['push', '--quiet', 'origin', 'HEAD'])
      return read()
    },
    inClone: (...args) => run(clone, args),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
