import { call } from '../data/client.ts'
import { findMissing, useWatched } from '../data/watched.ts'
import { Commit } from '../parts/commit.tsx'
import { ask } from '../parts/confirm.tsx'
import { Counts } from '../parts/counts.tsx'
import { DiffGroups } from '../parts/diff-groups.tsx'
import { Faults, Warnings } from '../parts/faults.tsx'
import { Durations } from '../parts/durations.tsx'
import { Images } from '../parts/images.tsx'
import { Link, toPlan, toRollout } from '../parts/link.tsx'
import { Missing } from '../parts/missing.tsx'
import { Objects } from '../parts/objects.tsx'
import { Revisions } from '../parts/revisions.tsx'
import { Shown } from '../parts/shown.tsx'
import { Ago, Short, Word } from '../parts/words.tsx'
import { go } from '../route.ts'

const mostShown = 200

export function Application({
  name,
  cluster,
}: {
  readonly name: string
  /** Whose objects are shown; null is the first of those that have it. */
  readonly cluster: string | null
}) {
  const any = (): boolean => true
  const application = useWatched(
    `application ${name}`,
    () => call('getApplication', { path: { name } }),
    any,
  )
  const rollouts = useWatched(
    `rollouts of ${name}`,
    () => call('listRollouts', { query: { limit: 20, application: name } }),
    ({ type }) => type.startsWith('rollout.'),
  )
  const sources = useWatched(
    'sources',
    () => call('listSources', { query: { limit: 500 } }),
    ({ type }) => type.startsWith('fleet.'),
  )
  const repository = application.value?.source.repository
  const url = sources.value?.items.find((one) => one.name === repository)?.url
  const diff = useWatched(
    `diff ${name}`,
    () => call('diffApplication', { path: { name }, query: { limit: mostShown } }),
    any,
  )
  const missing = findMissing(application)
  if (missing) {
    return (
      <Missing title={name} error={missing} list={{ page: 'applications' }}>
        All applications
      </Missing>
    )
  }
  return (
    <main>
      <h1>{name}</h1>
      <Shown of={application}>
        {(one) => (
          <>
            <p>
              <Counts of={one} />
            </p>
            <p>
              {one.source.kind} from <code>{`${one.source.repository}:${one.source.path}`}</code> at{' '}
              <Commit url={url} revision={one.revision} /> · strategy {one.strategy}
              {one.suspended && ' · suspended'}
            </p>
            <p class="buttons">
              <Link class="button" to={toPlan(name)}>
                What would roll out
              </Link>
              <button
                type="button"
                onClick={() =>
                  ask({
                    title: `Roll ${name} out now?`,
                    words:
                      'What Git asks goes to every cluster that has something else, through the waves and gates of its strategy. What failed or was skipped before is tried again.',
                    action: 'Start',
                    run: async (reason) => {
                      const body = { application: name, ...(reason && { reason }) }
                      go(toRollout((await call('startRollout', { body })).id))
                    },
                  })
                }
              >
                Roll out
              </button>
            </p>
            {one.hold && (
              <p class="notice">
                Commit <Short text={one.hold.revision} /> is held back: {one.hold.reason} (
                <Link to={toRollout(one.hold.rollout)}>rollout</Link>)
              </p>
            )}
            <Faults faults={one.faults ?? []} />
            <Warnings warnings={one.warnings ?? []} />
          </>
        )}
      </Shown>
      <h2>Rollouts</h2>
      <Shown of={rollouts}>
        {({ items }) => (
          <ol class="history">
            {items.map((one) => (
              <li key={one.id}>
                <Link to={toRollout(one.id)}>
                  <Word word={one.phase} />
                </Link>{' '}
                <Short text={one.revision} /> {one.trigger.reason} · {one.trigger.actor} ·{' '}
                <Ago at={one.createdAt} />
              </li>
            ))}
          </ol>
        )}
      </Shown>
      <Revisions application={name} url={url} />
      <Durations rollouts={rollouts.value?.items ?? []} />
      <Images application={name} />
      <h2>Clusters</h2>
      <Shown of={diff}>
        {({ clusters, continue: more }) => (
          <>
            <DiffGroups application={name} rows={clusters} />
            {more !== null && (
              <p class="quiet">The first {mostShown}; the fleet page has them all.</p>
            )}
            <ObjectsOn
              application={name}
              clusters={clusters.filter((one) => one.desiredDigest !== null)}
              chosen={cluster}
            />
          </>
        )}
      </Shown>
    </main>
  )
}

/** What it is made of on one of its clusters. */
function ObjectsOn({
  application,
  clusters,
  chosen,
}: {
  readonly application: string
  readonly clusters: readonly { readonly cluster: string }[]
  readonly chosen: string | null
}) {
  const shown = chosen ?? clusters[0]?.cluster
  if (shown === undefined) return null
  const names = [...new Set([shown, ...clusters.map((one) => one.cluster)])]
  return (
    <>
      <label class="choice">
        Objects on
        <select
          value={shown}
          onChange={(event) =>
            go(
              { page: 'application', name: application, cluster: event.currentTarget.value },
              'replace',
            )
          }
        >
          {names.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <Objects key={shown} cluster={shown} application={application} />
    </>
  )
}
