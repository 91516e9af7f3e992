/* A hub whose log of events loses some, for who reads its stream. */
import type { EventGap, EventView } from '../../hub/api/views.ts'
import type { FakeHub } from './fake-hub.ts'

/** Puts gaps into the streams of a hub, those that are open and those that will be, each once. */
export function skipEvents(hub: FakeHub): { skip(gap: EventGap): void } {
  const waiting: EventGap[] = []
  let wake = Promise.withResolvers<void>()
  const subscribe = hub.subscribe.bind(hub)
  Object.assign(hub, {
    subscribe: async function* (
      after: string | null,
      signal: AbortSignal,
    ): AsyncGenerator<EventView | EventGap> {
      const events = subscribe(after, signal)[Symbol.asyncIterator]()
      let next = events.next()
      for (;;) {
        yield* waiting.splice(0)
        const found = await Promise.race([next, wake.promise])
        if (!found) continue
        if (found.done) return
        yield found.value
        next = events.next()
      }
    },
  })
  return {
    skip(gap) {
      waiting.push(gap)
      wake.resolve()
      wake = Promise.withResolvers()
    },
  }
}
