import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Link, toApplication } from '../parts/link.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'

const mostShown = 200

/** What is not as it should be, anywhere; both values of each field are a click away. */
export function Drift() {
  const drift = useWatched(
    'drift',
    () => call('listDrift', { query: { limit: mostShown } }),
    ({ type }) => type.startsWith('drift.'),
  )
  return (
    <main>
      <h1>Drift</h1>
      <Shown of={drift}>
        {({ items, continue: more }) =>
          items.length === 0 ? (
            <p>Nothing differs from what was decided.</p>
          ) : (
            <Table columns={['Cluster', 'Application', 'Objects that differ', '']}>
              {items.map(({ cluster, application, driftedObjects, objects }) => (
                <tr key={`${cluster} ${application}`}>
                  <th scope="row">
                    <Link to={{ page: 'cluster', name: cluster, application }}>{cluster}</Link>
                  </th>
                  <td>
                    <Link to={toApplication(application)}>{application}</Link>
                  </td>
                  <td>{driftedObjects}</td>
                  <td class="message">
                    <code>{objects.slice(0, 5).join(', ')}</code>
                  </td>
                </tr>
              ))}
              {more !== null && (
                <tr>
                  <td colSpan={4} class="quiet">
                    The first {mostShown}; `drifted` in the filter of the fleet page finds all.
                  </td>
                </tr>
              )}
            </Table>
          )
        }
      </Shown>
    </main>
  )
}
