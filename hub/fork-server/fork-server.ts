import { type ChildProcess, fork } from 'node:child_process'
import { type Request, parseReply, readFailure } from './messages.ts'
import { type Printed, RunFailure, type RunProgram } from './run.ts'
import { createSlots } from '../slots.ts'

export interface ForkServerOptions {
  /** Of the fork server itself, as a file. */
  readonly program: string
  /** What runs programs while there is no fork server. */
  readonly otherwise: RunProgram
  readonly log: (message: string, detail: Readonly<Record<string, unknown>>) => void
  /** Milliseconds between two starts at the least. */
  readonly restartMs?: number
  /** Milliseconds that a program which was stopped may take to be gone; then the fork server goes too. */
  readonly stopMs?: number
  /** Programs at once; others wait. */
  readonly most?: number
}

/** Runs programs by a small process of its own, which is started with the first of them. */
export interface ForkServer {
  readonly run: RunProgram
  /** Of the process that serves; undefined while there is none. */
  pid(): number | undefined
  close(): Promise<void>
}

/** Small: all it holds is what is on its way. Nothing of the hub's own flags is passed on. */
const flags = ['--max-old-space-size=128', '--max-semi-space-size=1', '--v8-pool-size=0']
const mostWaiting = 1_000
const closeMs = 4_000
/** One that takes longer to serve hangs. */
const startMs = 10_000

interface Pending {
  readonly resolve: (printed: Printed) => void
  readonly reject: (failure: RunFailure) => void
}

export function createForkServer({
  program: path,
  otherwise,
  log,
  restartMs = 10_000,
  stopMs = 5_000,
  most = 256,
}: ForkServerOptions): ForkServer {
  let server: ChildProcess | undefined
  let isReady = false
  let startedAt = -Infinity
  let nextId = 1
  let isClosed = false
  const pending = new Map<number, Pending>()
  const slots = createSlots({
    most,
    waiting: {
      most: mostWaiting,
      full: () =>
        new RunFailure('busy', `${most} programs run already, and as many as may wait do`),
    },
    stopped: () => new RunFailure('stopped', 'it was not started any more'),
  })

  function start(): void {
    startedAt = performance.now()
    let child: ChildProcess
    try {
      const stdio = ['ignore', 'ignore', 'ignore', 'ipc'] as const
      // A group of its own: what it started can be ended with it, and a signal to the hub's does not reach it.
      child = fork(path, { env: {}, execArgv: flags, stdio: [...stdio], detached: true })
    } catch (err) {
      log('there is no process that starts Git: the hub does so by itself', { err })
      return
    }
    server = child
    const onLost = (detail: object) => {
      if (server === child) lose(child, detail)
    }
    child.on('error', (err) => onLost({ err }))
    child.once('exit', (code, signal) => onLost({ code, signal }))
    // Who cannot be told anything is of no use: its end follows.
    child.once('disconnect', () => {
      if (server === child) endGroup(child)
    })
    child.on('message', receive)
    // It keeps nobody from ending.
    child.unref()
    child.channel?.unref()
  }

  function lose(child: ChildProcess, detail: object): void {
    forget()
    endGroup(child)
    log('the process that starts Git ended; there will be another', { ...detail })
  }

  /** What was on its way has no answer: whether it was done is not known. */
  function forget(): void {
    server = undefined
    isReady = false
    for (const { reject } of pending.values()) {
      reject(new RunFailure('lost', 'the process that had started it ended; it is tried again'))
    }
  }

  function receive(message: unknown): void {
    const reply = parseReply(message)
    if (!reply) return
    if ('ready' in reply) {
      isReady = true
      return
    }
    const asked = pending.get(reply.id)
    if ('printed' in reply) asked?.resolve(reply.printed)
    else asked?.reject(readFailure(reply.failure))
  }

  function serving(): ChildProcess | undefined {
    const since = performance.now() - startedAt
    if (server && !isReady && since >= startMs) endGroup(server)
    if (!server && !isClosed && since >= restartMs) start()
    return isReady ? server : undefined
  }

  const run: RunProgram = async (program, args, options) => {
    // One that is only just starting would hold up whoever waits.
    if (!serving()) return otherwise(program, args, options)
    return slots.run(() => {
      const child = serving()
      if (!child) return otherwise(program, args, options)
      const { signal, ...rest } = options
      nextId += 1
      return ask(child, { id: nextId, program, args, ...rest }, signal)
    }, options.signal)
  }

  async function ask(
    child: ChildProcess,
    request: Extract<Request, { id: number }>,
    signal: AbortSignal,
  ): Promise<Printed> {
    const { id } = request
    let insist: NodeJS.Timeout | undefined
    const onAbort = () => {
      send(child, { stop: id })
      insist = setTimeout(() => endGroup(child), stopMs)
    }
    const { promise, ...settle } = Promise.withResolvers<Printed>()
    pending.set(id, settle)
    child.channel?.ref()
    signal.addEventListener('abort', onAbort)
    send(child, request)
    try {
      return await promise
    } finally {
      clearTimeout(insist)
      signal.removeEventListener('abort', onAbort)
      pending.delete(id)
      if (pending.size === 0) child.channel?.unref()
    }
  }

  /** One that cannot be told has ended, or is about to: its end says so. */
  function send(child: ChildProcess, request: Request): void {
    if (child.connected) child.send(request, () => {})
  }

  async function close(): Promise<void> {
    isClosed = true
    const child = server
    forget()
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const insist = setTimeout(() => endGroup(child), closeMs)
    child.ref()
    if (child.connected) child.disconnect()
    await gone
    clearTimeout(insist)
  }

  return { run, pid: () => (isReady ? server?.pid : undefined), close }
}

/** With all that it had started. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
