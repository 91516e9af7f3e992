import type { PlannedView, RolloutView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { type Watched, useWatched } from '../data/watched.ts'
import { Changes, sayChanges } from './changes.tsx'
import { Estimate } from './estimate.tsx'

/**
 * What a rollout still has to bring, read again as it moves. Undefined where it is not known: it is
 * over, or the caller may not plan.
 */
export function useOutlook(rollout: RolloutView | undefined): PlannedView | undefined {
  const id = rollout?.active === true ? rollout.id : null
  const done = rollout?.counts.succeeded ?? 0
  const outlook: Watched<PlannedView | null> = useWatched(
    id === null ? 'no outlook' : `outlook ${id} ${rollout?.wave} ${done}`,
    async () => (id === null ? null : call('previewRollout', { path: { id }, query: {} })),
    () => false,
  )
  return (id !== null && outlook.value) || undefined
}

export function Outlook({ planned }: { readonly planned: PlannedView }) {
  const { changes, estimate, policy } = planned
  return (
    <section class="card" aria-label="What is left of it">
      <h2>What is left of it</h2>
      {estimate && <Estimate estimate={estimate} />}
      {policy.length > 0 && (
        <details>
          <summary>
            Policies warn of {policy.length} {policy.length === 1 ? 'thing' : 'things'}
          </summary>
          <ul>
            {policy.map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </details>
      )}
      {changes && (
        <details>
          <summary>{sayChanges(changes)}</summary>
          <Changes changes={changes} open={false} />
        </details>
      )}
    </section>
  )
}

/** What undoing a rollout would change, or what of it one cluster would get; read when it is asked for. */
export function Preview({
  id,
  back = false,
  cluster,
}: {
  readonly id: string
  readonly back?: boolean
  readonly cluster?: string
}) {
  const preview = useWatched(
    `preview ${id} ${back} ${cluster}`,
    () => call('previewRollout', { path: { id }, query: back ? { back } : {} }),
    () => false,
  )
  if (preview.error)
    return <p class="quiet">What it changes is not known: {preview.error.message}</p>
  if (!preview.value) return <p class="quiet">What it changes is worked out…</p>
  const { changes } = preview.value
  if (!changes) return <p class="quiet">What it changes is not known.</p>
  const shown = cluster === undefined ? changes : ofCluster(changes, cluster)
  return (
    <>
      <p>
        {back ? 'It changes back' : 'Still to come'}: {sayChanges(shown)}
      </p>
      <Changes changes={shown} open={false} />
    </>
  )
}

function ofCluster(
  changes: NonNullable<PlannedView['changes']>,
  cluster: string,
): NonNullable<PlannedView['changes']> {
  const objects = changes.objects.flatMap((one) => {
    const variants = one.variants.filter(({ clusters }) => clusters.includes(cluster))
    return variants.length === 0
      ? []
      : [{ ...one, variants: variants.map((each) => ({ ...each, clusters: [cluster] })) }]
  })
  const count = (kind: string) =>
    objects.filter(({ variants }) => variants.some(({ change }) => change === kind)).length
  return {
    ...{ removed: count('removed'), changed: count('changed'), added: count('added') },
    objects,
    objectsLeftOut: changes.objectsLeftOut,
    notCompared: changes.notCompared.filter((name) => name === cluster),
    held: [],
  }
}
