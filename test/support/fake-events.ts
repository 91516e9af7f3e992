import type { Hub } from '../../hub/api/hub.ts'
import type { EventView } from '../../hub/api/views.ts'

export interface FakeEvents extends Pick<Hub, 'events' | 'subscribe'> {
  emit(event: Pick<EventView, 'type' | 'message'> & { readonly subject?: string }): EventView
  /** Streams subscribed now. */
  readonly subscribers: number
}

/** A log of events in memory that forgets none; ids count from 1, all happen `at` one time. */
export function createFakeEvents(at: string): FakeEvents {
  const events: EventView[] = []
  const wakers = new Set<() => void>()
  const since = (after: string) => events.filter((event) => Number(event.id) > Number(after))

  return {
    get subscribers() {
      return wakers.size
    },
    emit: ({ type, message, subject = 'rollout/r-1' }) => {
      const id = String(events.length + 1)
      const event = { id, at, type, actor: 'system', subject, message }
      events.push(event)
      for (const wake of wakers) wake()
      return event
    },
    events: async ({ after, before = Infinity, limit }) => ({
      items:
        after === null
          ? events.filter(({ id }) => Number(id) < Number(before)).slice(-limit)
          : since(after).slice(0, limit),
      gap: null,
    }),
    subscribe: async function* (after, signal) {
      let last = after ?? String(events.length)
      let wake = Promise.withResolvers<void>()
      const waker = () => wake.resolve()
      wakers.add(waker)
      signal.addEventListener('abort', waker)
      try {
        while (!signal.aborted) {
          wake = Promise.withResolvers()
          for (const event of since(last)) {
            yield event
            last = event.id
          }
          if (since(last).length === 0 && !signal.aborted) await wake.promise
        }
      } finally {
        wakers.delete(waker)
      }
    },
  }
}
