import type { ApplicationView } from '../../client/gen/api.ts'

/** How an application's clusters are, in words and as parts of a bar. */
export function Counts({
  of: { counts, targets, behind = 0 },
}: {
  readonly of: Pick<ApplicationView, 'counts' | 'targets' | 'behind'>
}) {
  const parts = (['updated', 'pending', 'failed', 'unreachable'] as const).filter(
    (part) => counts[part] > 0,
  )
  const words = parts.map((part) => `${counts[part]} ${part}`).join(', ')
  return (
    <span class="counts">
      <span class="bar" aria-hidden="true">
        {parts.map((part) => (
          <span key={part} class={part} style={{ flexGrow: counts[part] }} />
        ))}
      </span>
      {words || 'none'} of {targets}
      {behind > 0 && ` · ${behind} behind Git`}
      {counts.drifted > 0 && ` · ${counts.drifted} drifted`}
    </span>
  )
}
