import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { type HubProcess, startHub } from './hub-process.ts'
import type { createSurroundings } from './hub-surroundings.ts'
import { type ServerProcess, assertRunning, startProcess } from './process.ts'
import { type TestRedis, startRedis } from './redis.ts'
import { until } from './until.ts'

const program = fileURLToPath(new URL('../../hub/main.ts', import.meta.url))

/** A role in a process of its own that can be ended and started again. */
export interface RoleProcess {
  readonly data: string
  readonly process: () => ServerProcess
  kill(): Promise<void>
  start(): void
  stop(): Promise<void>
  /** Waits for words in what it has logged since it was started last. */
  says(words: string): Promise<void>
}

/** A hub as three processes. */
export interface RoleProcesses extends AsyncDisposable {
  readonly sockets: string
  readonly redis: TestRedis
  readonly api: HubProcess
  readonly renderer: RoleProcess
  readonly signer: RoleProcess
}

export interface RoleOptions {
  readonly policy?: string
  readonly env?: Readonly<Record<string, string>>
  /** Of the renderer. */
  readonly metricsPort?: number
}

type World = Pick<Awaited<ReturnType<typeof createSurroundings>>, 'directory' | 'fleetUrl'>

/** Starts signer, renderer and api; returns when the api serves. */
export async function startRoles(world: World, options: RoleOptions = {}): Promise<RoleProcesses> {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis())
  const { sockets, signer, renderer } = await startBackRoles(stack, world, redis.url, options)
  const { env } = options
  const api = await startHub({
    directory: world.directory,
    redisUrl: redis.url,
    args: ['--role', 'api', '--sockets', sockets],
    ...(env ? { env } : {}),
  })
  stack.defer(() => api.stop())
  const owned = stack.move()
  return {
    ...{ sockets, redis, api, renderer, signer },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Starts signer and renderer, for one front end or several; they end with `stack`. */
export async function startBackRoles(
  stack: AsyncDisposableStack,
  { directory, fleetUrl }: World,
  redisUrl: string,
  { policy, env, metricsPort }: RoleOptions = {},
): Promise<Pick<RoleProcesses, 'sockets' | 'signer' | 'renderer'>> {
  const sockets = join(directory, 'sockets')
  const started = (role: RoleProcess): RoleProcess => {
    role.start()
    stack.defer(() => role.stop())
    return role
  }
  const place = { directory, sockets, ...(env ? { env } : {}) }
  const signer = started(
    await createRole(place, 'signer', policy ? ['--signer-policy', policy] : []),
  )
  const renderer = started(
    await createRole(place, 'renderer', [
      ...['--fleet', fleetUrl, '--path', 'fleet', '--interval', '1s'],
      ...['--redis', redisUrl],
      ...(metricsPort === undefined ? [] : ['--metrics-port', String(metricsPort)]),
    ]),
  )
  return { sockets, signer, renderer }
}

/** A role that is not started yet. */
export async function createRole(
  place: { directory: string; sockets: string; env?: Readonly<Record<string, string>> },
  name: string,
  args: readonly string[],
): Promise<RoleProcess> {
  const data = join(place.directory, name)
  await mkdir(data, { recursive: true, mode: 0o700 })
  let running: ServerProcess
  let count = 0
  return {
    data,
    process: () => running,
    start() {
      count += 1
      running = startProcess(
        process.execPath,
        [program, '--role', name, '--sockets', place.sockets, '--data', data, ...args],
        {
          name,
          logFile: join(place.directory, `${name}.${count}.log`),
          env: { ...process.env, GROUNDSWELL_ENGINE: enginePath(), ...place.env },
        },
      )
    },
    kill: () => running.kill(),
    stop: () => running.stop(15_000),
    async says(words) {
      await until(
        () => {
          assertRunning(running)
          return running.readLog().includes(words)
        },
        { deadlineMs: 20_000, what: `${name} to say ${words}` },
      )
    },
  }
}
