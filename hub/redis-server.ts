import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { HubError } from './errors.ts'

export interface LocalRedis {
  readonly url: string
  close(): Promise<void>
}

const startMs = 10_000
const restartMs = 500

/**
 * Starts and supervises a Redis of the hub's own, in its data directory, on a Unix socket only.
 * It writes an append-only file and never evicts. Should it die, it is started again.
 *
 * @throws HubError `redis_unavailable` when there is no redis-server or it does not start
 */
export async function startLocalRedis(
  directory: string,
  onRestart: (exitCode: number | null) => void,
  stopping: AbortSignal,
): Promise<LocalRedis> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const socket = join(directory, 'redis.sock')
  // One that outlived a hub that was killed: two of them must not share a directory.
  if ((await ask(socket, 'PING')) !== undefined) await endOrphan(socket)
  let closing = false
  let child = launch()

  function launch() {
    const started = spawn(
      'redis-server',
      [
        ['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700'],
        ['--dir', directory, '--appendonly', 'yes', '--appendfsync', 'everysec'],
        ['--save', '', '--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
      ].flat(),
      { stdio: ['ignore', 'ignore', 'ignore'] },
    )
    started.on('error', () => {})
    started.on('exit', (code) => {
      // A signal to the whole process group ends it before the hub has begun to stop.
      setTimeout(() => {
        if (closing || stopping.aborted) return
        onRestart(code)
        child = launch()
      }, restartMs)
    })
    return started
  }

  const deadline = Date.now() + startMs
  while (!(await ask(socket, 'PING'))?.startsWith('+PONG')) {
    if (Date.now() > deadline) {
      closing = true
      child.kill('SIGKILL')
      throw new HubError(
        'redis_unavailable',
        'redis-server did not start; install Redis 7 or later, or give --redis URL',
      )
    }
    await wait(50)
  }
  return {
    url: `unix://${socket}`,
    async close() {
      closing = true
      const gone = new Promise<void>((resolve) => {
        if (child.exitCode !== null) resolve()
        else child.once('exit', () => resolve())
      })
      child.kill('SIGTERM')
      await gone
    },
  }
}

async function endOrphan(socket: string): Promise<void> {
  await ask(socket, 'SHUTDOWN')
  const deadline = Date.now() + startMs
  while ((await ask(socket, 'PING')) !== undefined && Date.now() < deadline) await wait(50)
}

/** One inline command and its answer; undefined when nobody listens: a stale socket file does not. */
async function ask(path: string, command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ path })
    const settle = (value: string | undefined): void => {
      socket.destroy()
      resolve(value)
    }
    socket.setTimeout(1_000, () => settle(undefined))
    socket.once('error', () => settle(undefined))
    socket.once('end', () => settle(undefined))
    socket.once('connect', () => socket.write(`${command}\r\n`))
    socket.once('data', (data) => settle(data.toString()))
  })
}
