import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { type Metadata, type ServerDuplexStream, status } from '@grpc/grpc-js'
import type { SyncRequest, SyncResponse } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { rehearsalHeader } from '@groundswell/proto/rehearsal.ts'
import { HubError, type HubErrorCode } from '../../errors.ts'

/* One stream of an agent, as grpc-js has it: read, written and ended without anything piling up. */

export type SyncCall = ServerDuplexStream<SyncRequest, SyncResponse>

/** Whether an agent only tries whether it would be let in. */
export function isRehearsal({ metadata }: { readonly metadata: Metadata }): boolean {
  return metadata.get(rehearsalHeader).length > 0
}

/** From a stream's last word until it is reset, for a peer that does not take it. */
const lastWordMs = 5_000

/**
 * Requests one at a time. What comes while the one before is dealt with is held, and nothing more is
 * read until that is taken. A stream's own iterator destroys it when it ends by an error, ours
 * included, and then no status reaches the agent: it would wait on.
 */
export function readRequests<I = SyncRequest>(call: NodeJS.ReadableStream): AsyncIterable<I> {
  const held: I[] = []
  let ended = false
  let wake: (() => void) | undefined
  const news = (): void => {
    wake?.()
    wake = undefined
  }
  call.on('data', (message: I) => {
    // To stop and go on costs more than a small message: only who is busy does it.
    if (!wake) call.pause()
    held.push(message)
    news()
  })
  for (const event of ['end', 'close', 'cancelled', 'error']) {
    call.on(event, () => {
      ended = true
      news()
    })
  }
  return (async function* read() {
    for (;;) {
      const message = held.shift()
      if (message) yield message
      else if (ended) return
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
          if (call.isPaused()) call.resume()
        })
      }
    }
  })()
}

/** Ends a stream with a status; a peer that takes no more is reset, and frees what waits for it. */
export function end<I, O>(
  call: ServerDuplexStream<I, O>,
  last: { code: status; details: string },
): void {
  call.emit('error', last)
  const timer = setTimeout(() => reset(call), lastWordMs)
  call.once('close', () => clearTimeout(timer))
  call.once('cancelled', () => clearTimeout(timer))
}

/** RST_STREAM. grpc-js gives a server no way to it: a status waits behind what is not taken. */
export function reset<I, O>(call: ServerDuplexStream<I, O>): void {
  const cancelled = 8
  streamOf(call)?.close(cancelled)
  call.destroy()
}

/** What a stream's connection is asked and ended by; grpc-js gives a server no way to it. */
export function connectionOf<I, O>(
  call: ServerDuplexStream<I, O>,
): Pick<ServerHttp2Session, 'ping' | 'destroy' | 'destroyed'> | undefined {
  return streamOf(call)?.session
}

/** Sends an HTTP/2 PING; false when there is nothing to send it by. */
export function ping<I, O>(call: ServerDuplexStream<I, O>, onAnswer: () => void): boolean {
  const connection = connectionOf(call)
  if (!connection || connection.destroyed) return false
  connection.ping((error) => {
    if (!error) onAnswer()
  })
  return true
}

function streamOf<I, O>(call: ServerDuplexStream<I, O>): ServerHttp2Stream | undefined {
  return (call as unknown as { call?: { stream?: ServerHttp2Stream } }).call?.stream
}

/** What of either end of a stream is written to. */
interface Outlet<O> {
  readonly cancelled?: boolean
  readonly destroyed: boolean
  once(event: string, listener: () => void): unknown
  write(message: O, written: (error?: Error | null) => void): unknown
}

/** Writes of one stream that its peer has not taken. */
interface Outbox {
  /** Settles each of them, oldest first. */
  readonly waiting: Set<(error?: Error | null) => void>
  blocked: NodeJS.Timeout | undefined
}

const outboxes = new WeakMap<object, Outbox>()

/** Listens for the stream's end once, whatever is written to it. */
function outboxOf<O>(call: Outlet<O>): Outbox {
  const known = outboxes.get(call)
  if (known) return known
  const outbox: Outbox = { waiting: new Set(), blocked: undefined }
  const onEnd = (): void => {
    for (const settle of outbox.waiting) settle(streamEnded())
  }
  call.once('close', onEnd)
  call.once('cancelled', onEnd)
  outboxes.set(call, outbox)
  return outbox
}

function streamEnded(): HubError {
  return new HubError('internal', 'the stream has ended')
}

/**
 * Waits until the message has left, so that at most one for each writer is held; rejects when the
 * stream is gone. A peer that takes nothing for `blockedMs` is cut off.
 */
export async function write<I, O>(
  call: ServerDuplexStream<I, O>,
  message: O,
  blockedMs: number,
): Promise<void> {
  await deliver(call, message, blockedMs, () => reset(call))
}

/** As `write`, for either end of a stream; `cut` ends it. */
export async function deliver<O>(
  call: Outlet<O>,
  message: O,
  blockedMs: number,
  cut: () => void,
): Promise<void> {
  if (call.cancelled || call.destroyed) throw streamEnded()
  const outbox = outboxOf(call)
  const { waiting } = outbox
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (!waiting.delete(settle)) return
      // It took something: whoever waits behind this has as long again.
      if (waiting.size > 0) outbox.blocked?.refresh()
      else clearTimeout(outbox.blocked)
      if (error) reject(error)
      else resolve()
    }
    if (waiting.size === 0) {
      outbox.blocked = setTimeout(() => {
        cut()
        for (const other of waiting) other(streamEnded())
      }, blockedMs)
    }
    waiting.add(settle)
    call.write(message, settle)
  })
}

/** Errors whose words are meant for the peer. */
const told: { readonly [code in HubErrorCode]?: status } = {
  token_refused: status.PERMISSION_DENIED,
  busy: status.RESOURCE_EXHAUSTED,
  identity_refused: status.UNAUTHENTICATED,
  identity_barred: status.PERMISSION_DENIED,
  invalid: status.INVALID_ARGUMENT,
}

/** Only words meant for the peer leave the hub. */
export function toStatus(error: unknown): { code: status; details: string } {
  if (!(error instanceof HubError)) return { code: status.INTERNAL, details: 'internal error' }
  const code = told[error.code]
  if (code !== undefined) return { code, details: error.message }
  return { code: status.UNAVAILABLE, details: 'the hub cannot serve this now' }
}
