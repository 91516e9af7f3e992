import { HubError, type HubErrorCode } from '../errors.ts'
import { type SocketName, encodeMessage, parseTold } from './message.ts'
import type { Connection, Receiver } from './unix.ts'

export interface CallerDeps {
  readonly socket: SocketName
  readonly fleet: string
  /** Of errors when the other end is away. */
  readonly away: Extract<HubErrorCode, `${string}_unavailable`>
  readonly dial: (accept: (connection: Connection) => Receiver) => Promise<void>
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  /** Calls back once after so many milliseconds; gives what cancels it. */
  readonly after: (ms: number, run: () => void) => () => void
  readonly onNews?: (news: unknown) => void
  /** Connected, again or for the first time. */
  readonly onUp?: () => void
  /** Not connected any more, or still not; told once each time. */
  readonly onDown?: (error: HubError) => void
}

export interface CallOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal
}

/** Asks a role in another process; goes on to connect for as long as it lives. */
export interface Caller {
  /** @throws HubError as the other end said, or that it is away: at once, so that callers decide when to ask again */
  call(method: string, params: unknown, options: CallOptions): Promise<unknown>
  /** Resolves when it is connected; rejects when the signal fires. */
  ready(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

interface Waiting {
  resolve(result: unknown): void
  reject(error: unknown): void
}

const firstRetryMs = 50
const longestRetryMs = 2_000
const mostWaiting = 20_000
const mostUnsent = 64 * 1024 * 1024

export function createCaller(deps: CallerDeps): Caller {
  const { socket, away } = deps
  const closing = new AbortController()
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let up: Connection | undefined
  let why = new HubError(away, `the ${socket} socket was not reached yet`)
  let told = false
  let next = Promise.withResolvers<void>()

  function fail(cause: unknown): void {
    const words = cause instanceof Error ? cause.message : 'it closed the connection'
    why = new HubError(away, `the ${socket} socket cannot be reached: ${words}`, { cause })
    if (!told && !closing.signal.aborted) deps.onDown?.(why)
    told = true
    for (const one of waiting.values()) one.reject(why)
    waiting.clear()
  }

  /** One connection, from its greeting to its end. */
  async function connect(): Promise<boolean> {
    const ended = Promise.withResolvers<unknown>()
    let greeted = false
    try {
      await deps.dial((connection) => {
        const close = (): void => connection.close()
        closing.signal.addEventListener('abort', close, { once: true })
        return {
          onFrame(frame) {
            const message = parseTold(frame)
            if ('fleet' in message) {
              greet(message, connection)
              greeted = true
            } else if (!greeted) throw new TypeError('no greeting')
            else if ('news' in message) deps.onNews?.(message.news)
            else settle(message)
          },
          onClose(cause) {
            closing.signal.removeEventListener('abort', close)
            up = undefined
            ended.resolve(cause)
          },
        }
      })
    } catch (error) {
      ended.resolve(error)
    }
    fail(await ended.promise)
    return greeted
  }

  function greet(hello: { socket: string; fleet: string }, connection: Connection): void {
    if (hello.socket !== socket || hello.fleet !== deps.fleet) {
      throw new Error(`it is the ${hello.socket} socket of fleet ${hello.fleet}, not ${deps.fleet}`)
    }
    up = connection
    told = false
    deps.onUp?.()
    next.resolve()
    next = Promise.withResolvers<void>()
  }

  function settle(answer: { id: number; result?: unknown; error?: HubError }): void {
    const one = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.error) one?.reject(answer.error)
    else one?.resolve(answer.result)
  }

  const running = (async () => {
    for (let failures = 0; !closing.signal.aborted; failures += 1) {
      if (await connect()) failures = 0
      const ms = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures, 10))
      await deps.sleep(ms * (0.5 + 0.5 * deps.random()), closing.signal).catch(() => {})
    }
  })()

  return {
    async call(method, params, { deadlineMs, signal }) {
      signal?.throwIfAborted()
      const connection = up
      if (!connection) throw why
      if (waiting.size >= mostWaiting || connection.unsent() > mostUnsent) {
        throw new HubError(away, `the ${socket} socket is asked more than it answers`)
      }
      const id = (lastId += 1)
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const giveUp = (error: unknown): void => {
        if (!waiting.delete(id)) return
        connection.send(encodeMessage({ cancel: id }))
        reject(error)
      }
      const cancelDeadline = deps.after(deadlineMs, () =>
        giveUp(new HubError(away, `no answer to ${method} within ${deadlineMs} ms`)),
      )
      const onAbort = (): void => giveUp(signal!.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      waiting.set(id, { resolve, reject })
      connection.send(encodeMessage({ id, method, params }))
      return promise.finally(() => {
        cancelDeadline()
        signal?.removeEventListener('abort', onAbort)
      })
    },
    async ready(signal) {
      // An abort that was before is never heard of.
      signal.throwIfAborted()
      if (up) return
      const stopped = Promise.withResolvers<void>()
      const stop = (): void => stopped.resolve()
      signal.addEventListener('abort', stop, { once: true })
      await Promise.race([next.promise, stopped.promise])
      signal.removeEventListener('abort', stop)
      signal.throwIfAborted()
    },
    async close() {
      closing.abort()
      up?.close()
      await running
    },
  }
}
