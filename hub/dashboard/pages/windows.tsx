import { useEffect, useState } from 'preact/hooks'
import type { WindowView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { readFirstPages } from '../data/pages.ts'
import { useWatched } from '../data/watched.ts'
import { Link, toCluster } from '../parts/link.tsx'
import { More } from '../parts/more.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { sayUntil, useNow } from '../parts/words.tsx'

const pageSize = 200
/** Beside the hub's own clock: a look just before a window opens would show it closed until the next one. */
const lateMs = 1_000
const longestTimer = 2 ** 31 - 1

const columns = ['Of', 'Rollouts', 'Now', 'Opens', 'For', 'Applications', 'Clusters', 'Why']

/** When rollouts may move, and when they may not. They are changed in Git. */
export function Windows() {
  const [pages, setPages] = useState(1)
  const windows = useWatched(
    `windows ${pages}`,
    () =>
      readFirstPages(pages, (after) =>
        call('listWindows', { query: { limit: pageSize, continue: after } }),
      ),
    ({ type }) => type.startsWith('fleet.'),
  )
  const next = windows.value && nextChange(windows.value.items)
  useEffect(() => {
    if (next === undefined) return
    const inMs = Math.max(0, next - Date.now()) + lateMs
    const timer = setTimeout(windows.reload, Math.min(inMs, longestTimer))
    return () => clearTimeout(timer)
  }, [next])
  return (
    <main>
      <h1>Windows and freezes</h1>
      <p class="quiet">
        Those of Projects, ClusterGroups and Clusters, as the newest commit has them. What a rollout
        waits for now is on its own page. A rollback never waits for a window.
      </p>
      <Shown of={windows}>
        {({ items, more }) =>
          items.length === 0 ? (
            <p>
              No Project, ClusterGroup or Cluster has <code>windows</code>: rollouts move at any
              time.
            </p>
          ) : (
            <>
              <Table columns={columns}>
                {items.map((one, at) => (
                  <tr key={at}>
                    <th scope="row">
                      <Owner of={one} />
                    </th>
                    <td>{one.kind === 'allow' ? 'may move' : 'are frozen'}</td>
                    <td>
                      <Standing of={one} />
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
              {more && <More onMore={() => setPages(pages + 1)} />}
            </>
          )
        }
      </Shown>
    </main>
  )
}

function Owner({ of: { ownerKind, owner } }: { readonly of: WindowView }) {
  return (
    <>
      <span class="quiet">{ownerKind}</span>{' '}
      {ownerKind === 'Cluster' ? <Link to={toCluster(owner)}>{owner}</Link> : owner}
    </>
  )
}

/** Green is where something may move by it, whichever kind it is. */
function Standing({ of: { kind, open, until } }: { readonly of: WindowView }) {
  const now = useNow(1_000)
  const free = (kind === 'allow') === open
  const words = { allow: ['closed', 'open'], deny: ['free', 'frozen'] }[kind][Number(open)]!
  return (
    <>
      <span class={`word ${free ? 'updated' : 'held'}`}>
        <span aria-hidden="true">{free ? '●' : '■'}</span> {words}
      </span>{' '}
      {until === null ? (
        'always'
      ) : (
        <time dateTime={until} title={until}>
          until {sayUntil(Date.parse(until), now)}
        </time>
      )}
    </>
  )
}

/** Milliseconds; undefined when nothing changes any more. */
function nextChange(windows: readonly WindowView[]): number | undefined {
  const times = windows.flatMap(({ until }) => (until === null ? [] : [Date.parse(until)]))
  return times.length === 0 ? undefined : Math.min(...times)
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
