import { readFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir, enginePath } from '../../deploy/setup/paths.mjs'
import { createApiClient, type ApiClient } from './api-client.ts'
import { freePort } from './free-port.ts'
import { assertRunning, type ServerProcess, startProcess } from './process.ts'
import { until } from './until.ts'

/** The hub of these sources. */
export const hubProgram = fileURLToPath(new URL('../../hub/main.ts', import.meta.url))

/** A real hub in a process of its own, on ports that stay the same over restarts. */
export interface HubProcess {
  readonly api: ApiClient
  readonly url: string
  readonly token: () => Promise<string>
  readonly enrolAddress: string
  readonly dataAddress: string
  readonly data: string
  readonly process: () => ServerProcess
  /** SIGKILL. */
  kill(): Promise<void>
  /** By the sources here, or by another hub's program. */
  start(program?: string): Promise<void>
  stop(): Promise<void>
}

export interface HubProcessOptions {
  readonly directory: string
  /** Left out of an api that is a process of its own. */
  readonly fleetUrl?: string
  readonly path?: string
  readonly redisUrl?: string
  readonly interval?: string
  /** Fixed ones of the agents' listeners, for replicas of which only one listens at a time. */
  readonly ports?: { readonly enrol: number; readonly data: number }
  /** Of the loopback network, so that several hubs have the same ports. */
  readonly host?: string
  /** Directory of CA, keys and token, when it is not the hub's own. */
  readonly shared?: string
  readonly args?: readonly string[]
  /** What to run at first instead of the sources here. */
  readonly program?: string
  /** On top of our own. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a hub; returns when it serves. */
export async function startHub(options: HubProcessOptions): Promise<HubProcess> {
  const api = await freePort()
  const enrol = options.ports?.enrol ?? (await freePort())
  const data = options.ports?.data ?? (await freePort())
  const directory = join(options.directory, 'hub')
  await mkdir(directory, { recursive: true })
  const host = options.host ?? '127.0.0.1'
  const url = `http://${host}:${api}`
  let running: ServerProcess

  async function start(main = options.program ?? hubProgram): Promise<void> {
    running = startProcess(
      process.execPath,
      [
        [main],
        options.fleetUrl === undefined
          ? []
          : [
              ...['--fleet', options.fleetUrl, '--path', options.path ?? '.'],
              ...['--interval', options.interval ?? '2s'],
            ],
        ['--data', directory],
        ['--api-port', String(api), '--enrol-port', String(enrol), '--data-port', String(data)],
        ['--host', host, '--offline-grace', '15s'],
        options.redisUrl ? ['--redis', options.redisUrl] : [],
        options.shared ? ['--shared', options.shared] : [],
        options.args ?? [],
      ].flat(),
      {
        name: 'hub',
        logFile: join(options.directory, 'hub.log'),
        env: {
          ...process.env,
          GROUNDSWELL_ENGINE: enginePath(),
          // What V8 made of the hub's code is kept between tests: each of them starts one or more.
          NODE_COMPILE_CACHE: join(cacheDir(), 'compiled'),
          ...options.env,
        },
      },
    )
    await until(
      async () => {
        // One that has ended will not serve any more.
        if (!running.running) return true
        // A front end lives before it serves: its signer may not be there yet.
        const waits = options.args?.includes('--role')
        if (!waits) return (await fetch(`${url}/livez`)).ok
        return (await fetch(`${url}/api/v1/version`)).status === 401
      },
      { deadlineMs: 40_000, what: 'the hub to serve' },
    )
    assertRunning(running)
  }

  await start()
  const token = async (): Promise<string> =>
    (await readFile(join(options.shared ?? directory, 'admin-token'), 'utf8')).trim()
  return {
    api: createApiClient(url, token),
    url,
    token,
    enrolAddress: `${host}:${enrol}`,
    dataAddress: `${host}:${data}`,
    data: directory,
    process: () => running,
    start,
    kill: () => running.kill(),
    stop: () => running.stop(15_000),
  }
}
