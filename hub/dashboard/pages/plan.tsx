import type { PlannedView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { useRepositoryUrl } from '../data/repository.ts'
import { useWatched } from '../data/watched.ts'
import { Changes, sayChanges } from '../parts/changes.tsx'
import { Commit } from '../parts/commit.tsx'
import { ask } from '../parts/confirm.tsx'
import { Estimate, sayMaybe } from '../parts/estimate.tsx'
import { Link, toApplication, toPlan, toRollout } from '../parts/link.tsx'
import { LiveFindings } from '../parts/live-findings.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { shorten } from '../parts/words.tsx'
import { go } from '../route.ts'

type PlannedRollout = NonNullable<PlannedView['rollout']>

/** What would roll out, before anything moves: changes, waves, time, and what policies say. */
export function Plan({ name, live }: { readonly name: string; readonly live: boolean }) {
  const plan = useWatched(
    `plan ${name} ${live}`,
    () => call('planRollout', { body: { application: name, live } }),
    ({ type }) => type === 'fleet.accepted' || type === 'rollout.created',
  )
  return (
    <main>
      <h1>
        Plan of <Link to={toApplication(name)}>{name}</Link>
      </h1>
      <Shown of={plan}>
        {(planned) =>
          planned.rollout === null ? (
            <p>Nothing would roll out: every cluster has what Git asks.</p>
          ) : (
            <Planned planned={planned} rollout={planned.rollout} live={live} />
          )
        }
      </Shown>
    </main>
  )
}

function Planned({
  planned,
  rollout,
  live,
}: {
  readonly planned: PlannedView
  readonly rollout: PlannedRollout
  readonly live: boolean
}) {
  const { application, changes, estimate, policy } = planned
  const url = useRepositoryUrl(application)
  const isNew = rollout.startedAt === null && rollout.version === 0
  return (
    <>
      <p>
        Commit <Commit url={url} revision={rollout.revision} /> on {rollout.counts.total} clusters
        in {rollout.waveCount} waves{changes && `: ${sayChanges(changes)}`}
      </p>
      {estimate && <Estimate estimate={estimate} />}
      <p class="buttons">
        {isNew ? (
          <button type="button" class="primary" onClick={() => askToStart(planned, rollout)}>
            Roll out
          </button>
        ) : (
          <Link class="button" to={toRollout(rollout.id)}>
            It is under way
          </Link>
        )}
        <Link class="button" to={toPlan(application, !live)}>
          {live ? 'Without asking clusters' : 'Ask the clusters too'}
        </Link>
      </p>
      {policy.length > 0 && (
        <section class="card">
          <h2>Policies warn</h2>
          <ul>
            {policy.map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </section>
      )}
      {planned.live && <LiveFindings live={planned.live} />}
      <h2>Waves</h2>
      <Table columns={['Wave', 'Clusters', 'Gates', 'Usually', 'At the longest']}>
        {rollout.waves.map((wave, at) => (
          <tr key={wave.index}>
            <th scope="row">{wave.name}</th>
            <td>{wave.counts.total}</td>
            <td>{[...wave.before, ...wave.after].map((gate) => gate.name).join(', ') || 'none'}</td>
            <td>{sayMaybe(estimate?.waves[at]?.typicalSeconds)}</td>
            <td>{sayMaybe(estimate?.waves[at]?.longestSeconds)}</td>
          </tr>
        ))}
      </Table>
      <h2>Changes</h2>
      {changes ? <Changes changes={changes} open /> : <p>They are not known.</p>}
    </>
  )
}

function askToStart({ application, changes }: PlannedView, rollout: PlannedRollout): void {
  // What is not known to delete nothing is taken for what deletes.
  const deletes = changes === null || changes.removed > 0 || changes.notCompared.length > 0
  ask({
    title: `Roll ${application} out at ${shorten(rollout.revision)}?`,
    words:
      'It goes through the waves and gates of its strategy. What failed or was skipped before is tried again.',
    shown: changes && (
      <>
        <p>{sayChanges(changes)}</p>
        <Changes changes={changes} open={false} />
      </>
    ),
    ...(deletes && { typed: application }),
    action: 'Roll out',
    async run(reason) {
      const body = { application, ...(reason && { reason }) }
      go(toRollout((await call('startRollout', { body })).id))
    },
  })
}
