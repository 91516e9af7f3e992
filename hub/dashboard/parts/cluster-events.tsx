import type { EventView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { recent } from '../data/live.ts'
import { useWatched } from '../data/watched.ts'
import { EventLine } from './event-line.tsx'
import { Shown } from './shown.tsx'

const looked = 500

/** What happened to a cluster, newest first, as far as the newest events of the fleet go back. */
export function ClusterEvents({ cluster }: { readonly cluster: string }) {
  const concerns = ({ actor, subject }: EventView): boolean =>
    actor === cluster || subject === `cluster/${cluster}`
  const older = useWatched(
    `events ${cluster}`,
    () => call('listEvents', { query: { limit: looked } }),
    () => false,
  )
  return (
    <section>
      <h2>Events</h2>
      <Shown of={older}>
        {({ items }) => {
          const all = [...recent.value, ...items.toReversed()].filter(concerns)
          const known = [...new Map(all.map((one) => [one.id, one])).values()]
          if (known.length === 0) {
            return <p class="quiet">None among the newest {looked} of the fleet.</p>
          }
          return (
            <ol class="history">
              {known.map((one) => (
                <EventLine key={one.id} event={one} />
              ))}
            </ol>
          )
        }}
      </Shown>
    </section>
  )
}
