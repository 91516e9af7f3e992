import { call } from '../data/client.ts'
import { recent } from '../data/live.ts'
import { useWatched } from '../data/watched.ts'
import { EventLine } from '../parts/event-line.tsx'
import { Shown } from '../parts/shown.tsx'

export function Events() {
  const older = useWatched(
    'events',
    () => call('listEvents', { query: { limit: 200 } }),
    () => false,
  )
  return (
    <main>
      <h1>Events</h1>
      <Shown of={older}>
        {({ items }) => {
          const known = new Map(
            [...recent.value, ...items.toReversed()].map((one) => [one.id, one]),
          )
          return (
            <ol class="history">
              {[...known.values()].map((one) => (
                <EventLine key={one.id} event={one} />
              ))}
            </ol>
          )
        }}
      </Shown>
    </main>
  )
}
