import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Link, toRollout } from './link.tsx'
import { Shown } from './shown.tsx'

/** Who has to approve what, now. */
export function OpenGates() {
  const gates = useWatched(
    'open gates',
    () => call('listOpenGates', { query: { limit: 100 } }),
    ({ type }) => type.startsWith('rollout.'),
  )
  return (
    <Shown of={gates}>
      {({ items }) =>
        items.length > 0 && (
          <section class="card" aria-label="Waiting for approval">
            <h2>Waiting for approval</h2>
            <ul class="plain">
              {items.map(({ rollout, application, waveName, gate, roles }) => (
                <li key={`${rollout} ${gate}`}>
                  <Link to={toRollout(rollout)}>{application}</Link> {gate} wave {waveName}, by{' '}
                  {roles.join(', ')}
                </li>
              ))}
            </ul>
          </section>
        )
      }
    </Shown>
  )
}
