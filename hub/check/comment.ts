import { formatCheckMarkdown } from './check-markdown.ts'
import type { CheckReport } from './check.ts'
import { formatDiffMarkdown } from './diff-markdown.ts'
import { type FleetDiff, isSame } from './fleet-diff.ts'

/** All that is said on a change, in one comment; what is wrong comes before what changes. */
export function formatComment(report: CheckReport, diff: FleetDiff | undefined): string {
  if (!diff) return formatCheckMarkdown(report)
  const room = isSame(diff) ? 1 : 0.5
  const check = formatCheckMarkdown(report, room)
  return `${check}\n${formatDiffMarkdown(diff, check.length)}`
}
