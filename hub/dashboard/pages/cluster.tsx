import { call } from '../data/client.ts'
import { findMissing, useWatched } from '../data/watched.ts'
import { ClusterDrift } from '../parts/cluster-drift.tsx'
import { ClusterEvents } from '../parts/cluster-events.tsx'
import { Link, toApplication } from '../parts/link.tsx'
import { Missing } from '../parts/missing.tsx'
import { Membership } from '../parts/membership.tsx'
import { Objects } from '../parts/objects.tsx'
import { Receipts } from '../parts/receipts.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Ago, Short, Word } from '../parts/words.tsx'
import { go } from '../route.ts'

export function Cluster({
  name,
  application,
}: {
  readonly name: string
  readonly application: string | null
}) {
  const cluster = useWatched(
    `cluster ${name}`,
    () => call('getCluster', { path: { name } }),
    ({ actor, subject, type }) =>
      actor === name || subject === `cluster/${name}` || type.startsWith('rollout.'),
  )
  const missing = findMissing(cluster)
  if (missing) {
    return (
      <Missing title={name} error={missing} list={{ page: 'clusters' }}>
        All clusters
      </Missing>
    )
  }
  return (
    <main>
      <h1>{name}</h1>
      <Shown of={cluster}>
        {(one) => (
          <>
            <dl class="facts">
              <div>
                <dt>Connection</dt>
                <dd>
                  <Word word={one.connection.state} /> <Ago at={one.connection.since} />
                </dd>
              </div>
              <div>
                <dt>Trust</dt>
                <dd>
                  <Word word={one.lifecycle} /> {one.lifecycleReason}
                  {one.stale && (
                    <p class="stale">Stale: nobody vouches for what it has as the newest.</p>
                  )}
                </dd>
              </div>
              <div>
                <dt>Snapshot</dt>
                <dd>
                  {one.acceptedSequence} of {one.offeredSequence}
                  {one.lagSeconds !== null &&
                    one.lagSeconds > 0 &&
                    ` · waits ${Math.round(one.lagSeconds)} s`}
                </dd>
              </div>
              <div>
                <dt>Agent</dt>
                <dd>
                  {one.agentVersion || 'unknown'} · Kubernetes {one.kubernetesVersion || 'unknown'}{' '}
                  · {one.nodes} {one.nodes === 1 ? 'node' : 'nodes'}
                </dd>
              </div>
              <div>
                <dt>Groups</dt>
                <dd>{one.groups.join(', ') || 'none'}</dd>
              </div>
              <div>
                <dt>Labels</dt>
                <dd>
                  {Object.entries(one.labels)
                    .map(([key, value]) => `${key}=${value}`)
                    .join(', ') || 'none'}
                </dd>
              </div>
            </dl>
            <Membership cluster={one} reload={cluster.reload} />
            {one.refusal && (
              <p class="fault" role="alert">
                The newest snapshot is refused ({one.refusal.code}): {one.refusal.message}
              </p>
            )}
            {one.auditFault && (
              <p class="fault" role="alert">
                {one.auditFault.message}
              </p>
            )}
            {(one.equivocations ?? []).map((two) => (
              <p key={`${two.epoch} ${two.sequence}`} class="fault" role="alert">
                Two snapshots were signed under one sequence, {two.sequence}: it took{' '}
                <Short text={two.accepted} /> and refused <Short text={two.refused} />.
              </p>
            ))}
            {(one.holds ?? []).map((hold) => (
              <p key={hold.source} class="notice">
                Updates {hold.mode === 'refuse' ? 'are refused' : 'wait'} at the cluster
                {hold.until !== null && ` until ${hold.until}`}:{' '}
                {hold.reason || hold.fault || 'no reason given'} ({hold.source})
              </p>
            ))}
            <h2>Applications</h2>
            {one.applications.length === 0 && (
              <p class="quiet">
                Nothing is decided for it yet
                {one.lifecycle === 'Declared' && (
                  <>
                    , and no agent of it has joined: a token for one is made on the page{' '}
                    <Link to={{ page: 'clusters' }}>Clusters</Link>
                  </>
                )}
                .
              </p>
            )}
            <Table
              columns={[
                'Application',
                'Phase',
                'Health',
                'Objects ready',
                'Drift',
                'Commit',
                'Message',
              ]}
            >
              {one.applications.map((mine) => (
                <tr key={mine.name} class={mine.name === application ? 'chosen' : ''}>
                  <th scope="row">
                    <Link to={toApplication(mine.name)}>{mine.name}</Link>
                  </th>
                  <td>
                    <Word word={mine.phase ?? 'Pending'} />
                    {mine.desiredDigest !== mine.reportedDigest && ' · other content'}
                  </td>
                  <td>{mine.health && <Word word={mine.health} />}</td>
                  <td>
                    <button
                      type="button"
                      aria-expanded={mine.name === application}
                      onClick={() =>
                        go(
                          {
                            page: 'cluster',
                            name,
                            application: mine.name === application ? null : mine.name,
                          },
                          'replace',
                        )
                      }
                    >
                      {mine.readyObjects} of {mine.objects}
                    </button>
                  </td>
                  <td>{mine.driftedObjects}</td>
                  <td>
                    <Short text={mine.desiredRevision} />
                  </td>
                  <td class="message">{mine.message}</td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </Shown>
      {application !== null && (
        <Objects key={application} cluster={name} application={application} />
      )}
      {cluster.value && cluster.value.driftedObjects > 0 && (
        <section>
          <h2>Drift</h2>
          {cluster.value.applications
            .filter(({ driftedObjects }) => driftedObjects > 0)
            .map((mine) => (
              <ClusterDrift key={mine.name} cluster={name} application={mine.name} />
            ))}
        </section>
      )}
      <Receipts cluster={name} />
      <ClusterEvents cluster={name} />
    </main>
  )
}
