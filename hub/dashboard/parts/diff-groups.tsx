import type { ClusterDiffView } from '../../client/gen/api.ts'
import { type DiffGroup, groupDiffs } from '../data/diff-groups.ts'
import { Link } from './link.tsx'
import { Table } from './table.tsx'
import { Short, Word } from './words.tsx'

const mostNamed = 12
const mostFields = 3

/** How an application is on its clusters, a line for all of which the same is to be said. */
export function DiffGroups({
  application,
  rows,
}: {
  readonly application: string
  readonly rows: readonly ClusterDiffView[]
}) {
  return (
    <Table columns={['Clusters', 'Content', 'Runs', 'Drift', 'Fields']}>
      {groupDiffs(rows).map((one) => (
        <tr key={one.clusters[0]}>
          <th scope="row">
            {one.clusters.length > 1 && <b>{one.clusters.length}: </b>}
            {one.clusters.slice(0, mostNamed).map((name) => (
              <span key={name}>
                <Link to={{ page: 'cluster', name, application }}>{name}</Link>{' '}
              </span>
            ))}
            {one.clusters.length > mostNamed && `and ${one.clusters.length - mostNamed} more`}
          </th>
          <td>
            <Word word={sayContent(one)} /> <Short text={one.desiredDigest} />
          </td>
          <td>
            <Short text={one.reportedDigest} />
          </td>
          <td>{one.driftedObjects}</td>
          <td class="message">
            {one.fields.slice(0, mostFields).join(', ')}
            {one.fields.length > mostFields && ` and ${one.fields.length - mostFields} more`}
          </td>
        </tr>
      ))}
    </Table>
  )
}

/** It may have what it should, and not be well with it. */
function sayContent({ upToDate, desiredDigest, reportedDigest }: DiffGroup): string {
  if (upToDate) return 'Current'
  return desiredDigest !== null && desiredDigest === reportedDigest ? 'Not healthy' : 'Pending'
}
