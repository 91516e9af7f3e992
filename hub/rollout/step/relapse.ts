import { readReport } from './outcome.ts'
import type { ClusterObservation, RolloutPlan, RolloutRun } from '../rollout.ts'

/** More clusters than this are counted, not named. */
const named = 5

/**
 * Clusters that had succeeded and fail now, with the very content of the rollout, a sentence each: whoever is
 * asked whether it may go on has to know. It does not stop the rollout by itself: what fails long after its
 * soak may have other causes, and a gate that measures is there to tell.
 */
export function explainRelapses(
  plan: RolloutPlan,
  run: RolloutRun,
  observations: Readonly<Record<string, ClusterObservation>>,
): string[] {
  const sentences: string[] = []
  for (const wave of plan.waves.slice(0, run.wave + 1)) {
    for (const name of wave.clusters) {
      const progress = run.clusters[name]
      const [seen, content] = [observations[name], plan.targets[name]]
      if (progress?.state !== 'Done' || progress.outcome !== 'Succeeded') continue
      if (!seen?.connected || !content) continue
      const { state, message } = readReport(seen, content, progress.generation)
      if (state !== 'failed') continue
      sentences.push(`cluster ${name} of wave ${wave.name} had succeeded and fails now: ${message}`)
    }
  }
  const rest = sentences.length - named
  const more = rest === 1 ? '1 more cluster' : `${rest} more clusters`
  return [
    ...sentences.slice(0, named),
    ...(rest > 0 ? [`${more} had succeeded and ${rest === 1 ? 'fails' : 'fail'} now`] : []),
  ]
}
