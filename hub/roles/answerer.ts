import { HubError } from '../errors.ts'
import { type SocketName, encodeMessage, parseAsked } from './message.ts'
import type { Connection, Receiver } from './unix.ts'

/** What a role does for others; each judges what it is given, and trusts nothing of it. */
export type Methods = Readonly<
  Record<string, (params: unknown, signal: AbortSignal) => Promise<unknown>>
>

export interface AnswererDeps {
  readonly socket: SocketName
  readonly fleet: string
  readonly methods: Methods
  /** What a new connection is told first. */
  readonly news?: () => readonly unknown[]
  /** Questions worked on at once for one connection; more are not read. */
  readonly atOnce: number
  readonly onFault: (message: string, cause: unknown) => void
}

/** Answers the questions of those who connect. */
export function createAnswerer(deps: AnswererDeps) {
  const { socket, fleet, methods, atOnce, onFault } = deps
  const connections = new Set<Connection>()
  const working = new Set<Promise<void>>()
  let draining = false

  function accept(connection: Connection): Receiver {
    const asked = new Map<number, AbortController>()
    connections.add(connection)
    connection.send(encodeMessage({ v: 1, socket, fleet }))
    for (const news of deps.news?.() ?? []) connection.send(encodeMessage({ news }))

    async function answer(id: number, method: string, params: unknown): Promise<void> {
      const { signal } = asked.get(id)!
      try {
        if (draining) throw new HubError('busy', `the ${socket} socket is closing`)
        const known = Object.hasOwn(methods, method) ? methods[method] : undefined
        if (!known) throw new HubError('invalid', `there is no ${method} on the ${socket} socket`)
        const result = await known(params, signal)
        connection.send(encodeMessage({ id, result: result ?? null }))
      } catch (error) {
        if (!(error instanceof HubError)) onFault(`${method} failed`, error)
        connection.send(encodeMessage({ id, error: toTold(error) }))
      } finally {
        asked.delete(id)
        if (asked.size < atOnce) connection.resume()
      }
    }

    return {
      onFrame(frame) {
        const question = parseAsked(frame)
        if ('cancel' in question) {
          asked.get(question.cancel)?.abort()
          return
        }
        const { id, method, params } = question
        if (asked.has(id)) throw new TypeError(`id ${id} is in use`)
        asked.set(id, new AbortController())
        if (asked.size >= atOnce) connection.pause()
        const work = answer(id, method, params)
        working.add(work)
        void work.finally(() => working.delete(work))
      },
      onClose(cause) {
        connections.delete(connection)
        for (const stop of asked.values()) stop.abort()
        if (cause) onFault(`a connection to the ${socket} socket broke`, cause)
      },
    }
  }

  return {
    accept,
    /** Tells all who are connected; nobody else needs it, since a connection begins with the news. */
    tell(news: unknown): void {
      for (const connection of connections) connection.send(encodeMessage({ news }))
    },
    /** Resolves when what was asked is answered. */
    async drain(): Promise<void> {
      draining = true
      await Promise.allSettled(working)
    },
  }
}

function toTold(error: unknown): HubError {
  return error instanceof HubError ? error : new HubError('internal', 'it failed; see the log')
}
