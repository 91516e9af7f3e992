import { once } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { principalOf } from './auth.ts'
import { RequestError } from './problem.ts'
import { isGap } from '../status/event.ts'
import type { EventGap, EventView } from './views.ts'

export interface EventStreams {
  /** Takes the reply over and writes events to it until the client leaves. */
  serve(request: FastifyRequest, reply: FastifyReply, after: string | null): Promise<void>
  closeAll(): void
  /** Those that are open. */
  count(): number
}

export interface EventStreamOptions {
  /**
   * Milliseconds between comments that keep proxies from cutting the stream, and between looks at
   * whether its caller may still have it; at most 15 000.
   */
  readonly heartbeat: number
  readonly maxStreams: number
  readonly maxStreamsPerActor: number
}

/** A client that takes nothing for so long is cut; it can resume by Last-Event-ID. Milliseconds. */
const stalledAfter = 30_000

/** Server-sent events. One event at most is held here for a slow client; the rest stay in the hub. */
export function createEventStreams(options: EventStreamOptions): EventStreams {
  const open = new Map<AbortController, string>()

  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    after: string | null,
  ): Promise<void> {
    const { actor } = principalOf(request)
    const mine = [...open.values()].filter((one) => one === actor).length
    if (open.size >= options.maxStreams || mine >= options.maxStreamsPerActor) {
      throw new RequestError('too_many_streams', 'Close a stream first, or share one')
    }
    const stop = new AbortController()
    open.set(stop, actor)
    const response = reply.raw
    response.on('close', () => stop.abort())
    reply.hijack()
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Kept alive, a stream that ended would hold up the closing of the server.
      connection: 'close',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'x-request-id': request.id,
    })
    response.write('retry: 2000\n\n')
    const beat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': alive\n\n')
      // A login that ended, or means something else by now, ends the stream as well (T33).
      request.stillAllowed!().then(
        (allowed) => allowed || stop.abort(),
        () => stop.abort(),
      )
    }, options.heartbeat)
    try {
      for await (const event of request.hub.subscribe(after, stop.signal)) {
        if (response.write(formatEvent(event))) continue
        const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(stalledAfter)])
        await once(response, 'drain', { signal })
      }
    } catch (cause) {
      if (!stop.signal.aborted) {
        request.log.warn({ err: cause }, 'event stream cut')
        response.destroy()
      }
    } finally {
      clearInterval(beat)
      open.delete(stop)
      stop.abort()
      response.end()
    }
  }

  return {
    serve,
    count: () => open.size,
    closeAll: () => {
      for (const stop of open.keys()) stop.abort()
    },
  }
}

/**
 * JSON has no raw line breaks, so one data line holds it. A gap has a name, so that who knows of none
 * takes it for no event, and no id, so that it is told again should the stream break right after it.
 */
export function formatEvent(event: EventView | EventGap): string {
  if (isGap(event)) return `event: gap\ndata: ${JSON.stringify(event)}\n\n`
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`
}
