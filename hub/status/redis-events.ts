import type { Redis } from 'ioredis'
import type { EventPage } from '../api/hub.ts'
import type { EventGap, EventView } from '../api/views.ts'
import { isOfAnotherKind, orLost, translateRedis } from '../redis.ts'
import { describeGap, type HubEvent } from './event.ts'

/** Events kept; older ones that were decisions are in the ledger. */
const kept = 10_000
/** Events a slow reader may fall behind before it starts again from the log. */
const backlog = 1_000
/** Events read in one go. */
const pageSize = 500
/** Events written in one go. */
const batchSize = 200
/** Of a date, in milliseconds. */
const lastInstant = 8.64e15

interface EventsAsked {
  readonly after: string | null
  /** Heeded where `after` is null. */
  readonly before?: string
  readonly limit: number
}

export interface EventLog {
  /** In a storm, news is dropped once too much waits; decisions are not, they come no faster than the ledger takes them. */
  emit(event: HubEvent, kind?: 'decision' | 'news'): void
  /**
   * After an id the next ones, rising, and the gap before them; after null the newest, those before an
   * id, without one.
   */
  read(asked: EventsAsked): Promise<EventPage>
  /**
   * What follows an id, null for what comes from now on. Where the log no longer has what would come
   * next, a gap says so, and the oldest that is kept follows.
   */
  subscribe(after: string | null, signal: AbortSignal): AsyncIterable<EventView | EventGap>
}

/** A Redis stream with listeners in this process: what happened lately, with ids to go on from. */
export function createEventLog(
  redis: Redis,
  prefix: string,
  onError: (error: unknown) => void,
): EventLog {
  const key = `${prefix}:events`
  const listeners = new Set<(event: EventView) => void>()
  const waiting: HubEvent[] = []
  let writing = false

  /** All at once, in their order: after a commit a thousand clusters have news together. */
  async function add(events: readonly HubEvent[]) {
    const pipeline = redis.pipeline()
    for (const { type, actor, subject, message } of events) {
      const fields = ['type', type, 'actor', actor, 'subject', subject, 'message', message]
      pipeline.xadd(key, 'MAXLEN', '~', kept, '*', ...fields)
    }
    return (await pipeline.exec()) ?? []
  }

  async function write(events: readonly HubEvent[]): Promise<void> {
    let answers = await add(events)
    if (answers.every(([error]) => cannotGoOn(error))) {
      await redis.unlink(key)
      answers = await add(events)
    }
    for (const [at, event] of events.entries()) {
      const [error, id] = answers[at] ?? [null, null]
      if (error) onError(error)
      if (typeof id !== 'string') continue
      const view = toView(id, event)
      for (const listener of listeners) listener(view)
    }
  }

  async function writeAll(): Promise<void> {
    writing = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchSize)
      await write(batch).catch(onError)
    }
    writing = false
  }

  async function read({ after, before, limit }: EventsAsked): Promise<EventPage> {
    if (after !== null) return translateRedis(readOn(after, limit))
    const end = before ? `(${before}` : '+'
    const rows = await translateRedis(orLost(redis.xrevrange(key, end, '-', 'COUNT', limit), []))
    return { items: rows.map(parseRow).reverse(), gap: null }
  }

  /** What follows an id, and the gap before it. One look, lest something be trimmed in between. */
  async function readOn(last: string, limit: number): Promise<EventPage> {
    const answers = await redis
      .multi()
      // With the one that has the id, should it still be there.
      .xrange(key, last, '+', 'COUNT', limit + 1)
      .xrange(key, '-', '+', 'COUNT', 1)
      .exec()
    const [rows = [], first = []] = (answers ?? []).map(([error, found]) => {
      if (isOfAnotherKind(error)) return []
      if (error) throw error
      return (found as [string, string[]][]).map(parseRow)
    })
    const found = rows.filter(({ id }) => isAfter(id, last))
    const items = found.slice(0, limit)
    // The last one is still there, or is not older than all that is.
    if (found.length < rows.length) return { items, gap: null }
    const oldest = first[0]?.id ?? null
    if (oldest !== null && !isAfter(oldest, last)) return { items, gap: null }
    // Nobody was given this id: it stands for all that ever was.
    const isBeginning = !isAfter(last, '0')
    if (isBeginning && !(oldest !== null && (await wasTrimmed()))) return { items, gap: null }
    return { items, gap: describeGap(last, oldest) }
  }

  async function wasTrimmed(): Promise<boolean> {
    const info = (await redis.xinfo('STREAM', key)) as unknown[]
    const value = (name: string): number => Number(info[info.indexOf(name) + 1])
    return value('entries-added') > value('length')
  }

  return {
    emit(event, kind = 'news') {
      if (kind === 'news' && waiting.length >= backlog) return
      waiting.push(event)
      // The end of this turn, so that what happened together is written together.
      if (!writing) {
        writing = true
        queueMicrotask(() => void writeAll())
      }
    },
    read,
    async *subscribe(after, signal) {
      let queue: EventView[] = []
      let wake = (): void => {}
      let last = after
      const listener = (event: EventView): void => {
        if (queue.length < backlog) queue.push(event)
        wake()
      }
      listeners.add(listener)
      signal.addEventListener('abort', () => wake(), { once: true })
      /** What the log has after the last one, until there is no more. */
      async function* catchUp(): AsyncGenerator<EventView | EventGap> {
        while (last !== null) {
          const { items, gap } = await readOn(last, pageSize)
          if (gap) yield gap
          for (const one of items) {
            last = one.id
            yield one
          }
          if (items.length === 0) return
        }
      }
      try {
        yield* catchUp()
        while (!signal.aborted) {
          const batch = queue
          queue = []
          for (const event of batch) {
            if (last !== null && !isAfter(event.id, last)) continue
            last = event.id
            yield event
          }
          // More came than was held: the log has it.
          if (batch.length >= backlog) yield* catchUp()
          if (queue.length > 0 || signal.aborted) continue
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      } finally {
        listeners.delete(listener)
      }
    },
  }
}

/** Somebody made the log into something of another kind, or gave it the last id there is. */
function cannotGoOn(error: unknown): boolean {
  return isOfAnotherKind(error) || (error instanceof Error && error.message.includes('exhausted'))
}

function isAfter(id: string, other: string): boolean {
  const [ms = 0, serial = 0] = id.split('-').map(Number)
  const [otherMs = 0, otherSerial = 0] = other.split('-').map(Number)
  return ms > otherMs || (ms === otherMs && serial > otherSerial)
}

function parseRow([id, fields]: [string, string[]]): EventView {
  const value = (name: string): string => fields[fields.indexOf(name) + 1] ?? ''
  return toView(id, {
    type: value('type'),
    actor: value('actor'),
    subject: value('subject'),
    message: value('message'),
  })
}

function toView(id: string, event: HubEvent): EventView {
  // An id that somebody made up may be of a time that is none.
  const at = Math.min(Number(id.split('-')[0]), lastInstant)
  return { id, at: new Date(at).toISOString(), ...event }
}
