import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Commit } from './commit.tsx'
import { Link, toRollout } from './link.tsx'
import { Shown } from './shown.tsx'
import { Table } from './table.tsx'
import { Ago, Short, Word } from './words.tsx'

const mostShown = 20

/** What an application was rolled out at, newest first, and where each still is. */
export function Revisions({
  application,
  url,
}: {
  readonly application: string
  /** Of the repository it comes from, where that is known. */
  readonly url: string | undefined
}) {
  const revisions = useWatched(
    `revisions of ${application}`,
    () => call('listRevisions', { path: { name: application }, query: { limit: mostShown } }),
    ({ type }) => type.startsWith('rollout.'),
  )
  return (
    <section>
      <h2>History</h2>
      <Shown of={revisions}>
        {({ items }) => (
          <Table columns={['Commit', 'Content', 'Rollout', 'When', 'Clusters that have it']}>
            {items.map((one) => (
              <tr key={one.rollout}>
                <th scope="row">
                  <Commit url={url} revision={one.revision} />
                </th>
                <td>
                  <Short text={one.contentDigest} />
                </td>
                <td>
                  <Link to={toRollout(one.rollout)}>
                    <Word word={one.phase} />
                  </Link>
                </td>
                <td>
                  <Ago at={one.createdAt} />
                </td>
                <td>{one.clusters}</td>
              </tr>
            ))}
          </Table>
        )}
      </Shown>
    </section>
  )
}
