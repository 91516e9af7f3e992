import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type ServerProcess, startProcess } from './process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** A Redis of the test's own, set as production must be: append-only, `noeviction`. */
export interface TestRedis extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`. */
  readonly url: string
  /** Ends it and removes its data. */
  stop(): Promise<void>
  /** SIGKILL; the data stays for `start()`. */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data, after `kill()`. */
  start(): Promise<void>
  /** Its data is gone, after `kill()`. */
  lose(): Promise<void>
}

/** Starts `redis-server` on a free loopback port, in its own directory. */
export async function startRedis({
  password,
}: { readonly password?: string } = {}): Promise<TestRedis> {
  const directory = await createTempDir('redis')
  const port = await freePort()
  let server: ServerProcess

  async function start(): Promise<void> {
    server = startProcess(
      'redis-server',
      [
        ['--bind', '127.0.0.1'],
        ['--port', String(port)],
        ['--dir', directory.path],
        ['--appendonly', 'yes'],
        ['--appendfsync', 'everysec'],
        ['--save', ''],
        ['--maxmemory-policy', 'noeviction'],
        password === undefined ? [] : ['--requirepass', password],
      ].flat(),
      { name: 'redis-server', logFile: join(directory.path, 'redis.log') },
    )
    await until(() => !server.running || ping(port), {
      deadlineMs: 10_000,
      what: 'redis-server to answer PING',
    })
    if (!server.running) throw new Error(`redis-server ended early:\n${server.readLog()}`)
  }

  async function stop(): Promise<void> {
    await server.stop()
    await directory.remove()
  }

  await start()
  return {
    url: `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
    stop,
    kill: () => server.kill(),
    start,
    async lose() {
      await rm(join(directory.path, 'appendonlydir'), { recursive: true })
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function ping(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return /^(\+PONG|-NOAUTH)/.test(answer.toString())
  } finally {
    socket.destroy()
  }
}
