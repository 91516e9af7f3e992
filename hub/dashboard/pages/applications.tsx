import { useState } from 'preact/hooks'
import { call } from '../data/client.ts'
import { readFirstPages } from '../data/pages.ts'
import { useWatched } from '../data/watched.ts'
import { Counts } from '../parts/counts.tsx'
import { Link, toApplication, toRollout } from '../parts/link.tsx'
import { More } from '../parts/more.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Short, Word } from '../parts/words.tsx'

const pageSize = 200

export function Applications() {
  const [pages, setPages] = useState(1)
  const applications = useWatched(
    `applications ${pages}`,
    () =>
      readFirstPages(pages, (after) =>
        call('listApplications', { query: { limit: pageSize, continue: after } }),
      ),
    () => true,
  )
  return (
    <main>
      <h1>Applications</h1>
      <Shown of={applications}>
        {({ items, more }) =>
          items.length === 0 ? (
            <p>
              No application is declared, or none that you may see: one is a file of{' '}
              <code>kind: Application</code> in the fleet repository.
            </p>
          ) : (
            <>
              <Table columns={['Application', 'Clusters', 'Commit', 'Rollout', 'Source']}>
                {items.map((one) => (
                  <tr key={one.name}>
                    <th scope="row">
                      <Link to={toApplication(one.name)}>{one.name}</Link>
                    </th>
                    <td>
                      <Counts of={one} />
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
              {more && <More onMore={() => setPages(pages + 1)} />}
            </>
          )
        }
      </Shown>
    </main>
  )
}
