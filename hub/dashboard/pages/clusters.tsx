import type { PendingView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { ask } from '../parts/confirm.tsx'
import { Link, toCluster } from '../parts/link.tsx'
import { Join } from '../parts/join.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Ago, Word } from '../parts/words.tsx'

const pageSize = 200

/** Clusters, and how one joins: a token, and the fingerprint of who came with it. */
export function Clusters() {
  const concerns = ({ subject }: { readonly subject: string }): boolean =>
    subject.startsWith('cluster/')
  const clusters = useWatched(
    'clusters',
    () => call('listClusters', { query: { limit: pageSize } }),
    concerns,
  )
  const pending = useWatched(
    'pending',
    () => call('listPendingClusters', { query: { limit: 500 } }),
    concerns,
  )
  return (
    <main>
      <h1>Clusters</h1>
      <Shown of={pending}>{({ items }) => <Waiting items={items} />}</Shown>
      <Join />
      <Shown of={clusters}>
        {({ items, continue: more }) => (
          <Table
            columns={[
              'Cluster',
              'Connection',
              'Since',
              'Applications',
              'Drift',
              'Lag',
              'Agent',
              'Kubernetes',
            ]}
          >
            {items.map((one) => (
              <tr key={one.name}>
                <th scope="row">
                  <Link to={toCluster(one.name)}>{one.displayName || one.name}</Link>
                </th>
                <td>
                  <Word
                    word={one.lifecycle === 'Enrolled' ? one.connection.state : one.lifecycle}
                  />
                  {one.stale && <small class="stale">stale</small>}
                </td>
                <td>
                  <Ago at={one.connection.since} />
                </td>
                <td>
                  {one.counts.updated} of {one.counts.applications}
                  {one.counts.failed > 0 && ` · ${one.counts.failed} failed`}
                </td>
                <td>{one.driftedObjects}</td>
                <td>{one.lagSeconds === null ? '' : `${Math.round(one.lagSeconds)} s`}</td>
                <td>{one.agentVersion}</td>
                <td>{one.kubernetesVersion}</td>
              </tr>
            ))}
            {more !== null && (
              <tr>
                <td colSpan={8} class="quiet">
                  The first {pageSize}; the fleet page has them all, and search finds each.
                </td>
              </tr>
            )}
          </Table>
        )}
      </Shown>
    </main>
  )
}

function Waiting({ items }: { readonly items: readonly PendingView[] }) {
  if (items.length === 0) return null
  return (
    <section class="card">
      <h2>Waiting for approval</h2>
      <p>Compare each fingerprint with the one in the log of the agent you started.</p>
      <ul class="plain">
        {items.map(({ cluster, fingerprint, since, replaces }) => (
          <li key={cluster}>
            <b>{cluster}</b> <code>{fingerprint}</code> <Ago at={since} />
            {replaces && ' · replaces the agent that is enrolled'}{' '}
            <button
              type="button"
              onClick={() =>
                ask({
                  title: `Let ${cluster} into the fleet?`,
                  words: `Its agent shows the fingerprint ${fingerprint}. From then on it gets whatever Git places on ${cluster}.`,
                  action: 'Approve',
                  async run() {
                    const path = { name: cluster }
                    await call('approveCluster', { path, body: { fingerprint } })
                  },
                })
              }
            >
              Approve
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
