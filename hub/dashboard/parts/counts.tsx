import type { ApplicationView } from '../../client/gen/api.ts'

/** How an application's clusters are, in words and as parts of a bar. */
export function Counts({
  counts,
  total,
}: {
  readonly counts: ApplicationView['counts']
  readonly total: number
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
      {words || 'none'} of {total}
      {counts.drifted > 0 && ` · ${counts.drifted} drifted`}
    </span>
  )
}
