import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Counts } from '../parts/counts.tsx'
import { Link, toApplication, toRollout } from '../parts/link.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Short, Word } from '../parts/words.tsx'

export function Applications() {
  const applications = useWatched(
    'applications',
    () => call('listApplications', { query: { limit: 500 } }),
    () => true,
  )
  return (
    <main>
      <h1>Applications</h1>
      <Shown of={applications}>
        {({ items }) => (
          <Table columns={['Application', 'Clusters', 'Commit', 'Rollout', 'Source']}>
            {items.map((one) => (
              <tr key={one.name}>
                <th scope="row">
                  <Link to={toApplication(one.name)}>{one.name}</Link>
                </th>
                <td>
                  <Counts counts={one.counts} total={one.targets} />
                </td>
                <td>
                  <Short text={one.revision} />
                  {(one.faults ?? []).length > 0 && <small class="stale">faults</small>}
                  {one.hold && <small class="stale">held</small>}
                </td>
                <td>
                  {one.rollout && (
                    <Link to={toRollout(one.rollout.id)}>
                      <Word word={one.rollout.phase} />
                    </Link>
                  )}
                </td>
                <td>
                  {one.source.kind} <code>{`${one.source.repository}:${one.source.path}`}</code>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Shown>
    </main>
  )
}
