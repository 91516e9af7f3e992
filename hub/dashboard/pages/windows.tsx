import type { WindowView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'

/** When rollouts may move, and when they may not. They are changed in Git. */
export function Windows() {
  const windows = useWatched(
    'windows',
    () => call('listWindows', { query: { limit: 500 } }),
    ({ type }) => type.startsWith('fleet.'),
  )
  return (
    <main>
      <h1>Windows and freezes</h1>
      <p class="quiet">
        Those of Projects, as the newest commit has them; Clusters and ClusterGroups may have more.
        What a rollout waits for now is on its own page. A rollback never waits for a window.
      </p>
      <Shown of={windows}>
        {({ items }) =>
          items.length === 0 ? (
            <p>No Project has a window: rollouts move at any time.</p>
          ) : (
            <Table
              columns={['Project', 'Rollouts', 'Opens', 'For', 'Applications', 'Clusters', 'Why']}
            >
              {items.map((one, at) => (
                <tr key={at}>
                  <th scope="row">{one.project}</th>
                  <td>
                    {one.kind === 'allow' ? (
                      <span class="word updated">
                        <span aria-hidden="true">●</span> may move
                      </span>
                    ) : (
                      <span class="word held">
                        <span aria-hidden="true">■</span> are frozen
                      </span>
                    )}
                  </td>
                  <td>
                    <code>{one.schedule}</code> {one.timeZone}
                  </td>
                  <td>{one.duration}</td>
                  <td>{one.applications.join(', ') || 'all'}</td>
                  <td>{sayClusters(one)}</td>
                  <td class="message">{one.reason}</td>
                </tr>
              ))}
            </Table>
          )
        }
      </Shown>
    </main>
  )
}

/** All that is given has to hold. */
function sayClusters({ clusters, clusterGroup, clusterSelector }: WindowView): string {
  const conditions = [
    clusterSelector ?? '',
    clusterGroup === null ? '' : `group ${clusterGroup}`,
    clusters.join(', '),
  ]
  return conditions.filter((one) => one !== '').join(' and ') || 'all'
}
