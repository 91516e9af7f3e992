import type { PlannedView, RolloutView } from '../../client/gen/api.ts'
import { call } from '../data/client.ts'
import { type Watched, useWatched } from '../data/watched.ts'
import { Changes, sayChanges } from './changes.tsx'
import { Estimate } from './estimate.tsx'

/**
 * What a rollout still has to bring, read once a wave. Undefined where it is not known: it is over, Git asks
 * for something else by now, or the caller may not plan.
 */
export function useOutlook(rollout: RolloutView | undefined): PlannedView | undefined {
  const active = rollout?.active === true
  const outlook: Watched<PlannedView | null> = useWatched(
    active ? `outlook ${rollout.id} ${rollout.wave}` : 'no outlook',
    async () =>
      active ? call('planRollout', { body: { application: rollout.application } }) : null,
    () => false,
  )
  const planned = outlook.value
  return active && planned?.rollout?.id === rollout.id ? planned : undefined
}

export function Outlook({ planned }: { readonly planned: PlannedView }) {
  const { changes, estimate } = planned
  return (
    <section class="card" aria-label="What is left of it">
      <h2>What is left of it</h2>
      {estimate && <Estimate estimate={estimate} />}
      {changes && (
        <details>
          <summary>{sayChanges(changes)}</summary>
          <Changes changes={changes} open={false} />
        </details>
      )}
    </section>
  )
}
