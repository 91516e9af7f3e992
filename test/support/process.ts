import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { guardGroup, releaseGroup } from './watchdog.ts'

/** A server run for a test, in a process group of its own. */
export interface ServerProcess {
  readonly name: string
  readonly pid: number
  /** Settles when it has ended, for whatever reason. */
  readonly ended: Promise<void>
  readonly running: boolean
  /** Once it has ended by itself; null while it runs and when a signal ended it. */
  readonly exitCode: number | null
  /** The last lines it wrote, for failure messages. */
  readLog(): string
  /** Asks with SIGTERM, insists with SIGKILL after `graceMs`; returns when it has ended. */
  stop(graceMs?: number): Promise<void>
  /** SIGKILL at once, as a crash; returns when it has ended. */
  kill(): Promise<void>
}

export interface ServerProcessOptions {
  readonly name: string
  /** File that takes stdout and stderr; appended to. */
  readonly logFile: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** Starts a server that dies with us, however we die. */
export function startProcess(
  command: string,
  args: readonly string[],
  { name, logFile, env = process.env, cwd }: ServerProcessOptions,
): ServerProcess {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env,
    ...(cwd === undefined ? {} : { cwd }),
  })
  closeSync(log)
  const { pid } = child
  let running = pid !== undefined
  if (pid !== undefined) guardGroup(pid)
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      running = false
      if (pid !== undefined) {
        signalGroup(pid, 'SIGKILL')
        releaseGroup(pid)
      }
      resolve()
    }
    child.once('exit', end)
    child.once('error', end)
  })
  child.unref()

  async function kill(): Promise<void> {
    if (running && pid !== undefined) signalGroup(pid, 'SIGKILL')
    await holdOpen(ended)
  }

  return {
    name,
    pid: pid ?? -1,
    ended,
    get running() {
      return running
    },
    readLog: () => readTail(logFile),
    async stop(graceMs = 5_000) {
      if (!running || pid === undefined) return
      signalGroup(pid, 'SIGTERM')
      const insist = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs)
      await holdOpen(ended)
      clearTimeout(insist)
    },
    get exitCode() {
      return child.exitCode
    },
    kill,
  }
}

/** Throws with the server's own words when it has ended: for use inside `until`'s caller. */
export function assertRunning(server: ServerProcess): void {
  if (!server.running) throw new Error(`${server.name} ended early:\n${server.readLog()}`)
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group has ended already.
  }
}

/** The child is unreferenced, so awaiting its end alone would let the process exit. */
async function holdOpen(ended: Promise<void>): Promise<void> {
  const hold = setInterval(() => {}, 1_000)
  await ended
  clearInterval(hold)
}

function readTail(file: string): string {
  return readFileSync(file, 'utf8').slice(-4_000)
}
