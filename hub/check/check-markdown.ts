import type { CheckReport, Verdict } from './check.ts'
import type { Finding } from './finding.ts'
import { escapeMarkdown, joinBlocks, markdownLimit, toCode } from './markdown.ts'
import { count, describeClusters } from './where.ts'

const headings: Record<Verdict, string> = {
  passed: '✅ Groundswell check passed',
  failed: '❌ Groundswell check failed',
  incomplete: '⚠️ Groundswell check is incomplete',
}
const marks: Record<Finding['severity'], string> = { error: '❌', warning: '⚠️', note: 'ℹ️' }

/** One line that says how a check went; fits into a commit status. */
export function summarizeCheck({ verdict, counts, unchecked }: CheckReport): string {
  const looked = `${count(counts.applications, 'application')} on ${count(counts.clusters, 'cluster')}`
  const parts = [
    ...(counts.errors > 0 ? [count(counts.errors, 'error')] : []),
    ...(counts.warnings > 0 ? [count(counts.warnings, 'warning')] : []),
    ...(unchecked.length > 0 ? [`${count(unchecked.length, 'application')} not checked`] : []),
  ]
  return `${verdict}: ${parts.length > 0 ? `${parts.join(', ')}; ` : ''}${looked}`
}

/**
 * A comment for a change: what is wrong, where, and on how many clusters.
 *
 * @param share of the room a comment has
 */
export function formatCheckMarkdown(report: CheckReport, share = 1): string {
  const { verdict, counts, findings, unchecked } = report
  const head = [
    `### ${headings[verdict]}`,
    '',
    `${count(counts.applications, 'application')} on ${count(counts.clusters, 'cluster')}: ` +
      `${count(counts.targets, 'target')}, ${count(counts.renders, 'render')}, ` +
      `${count(counts.objects, 'object')}, **${count(counts.errors, 'error')}**, ` +
      `${count(counts.warnings, 'warning')}.`,
    '',
    ...unchecked.map(
      ({ application, reason }) =>
        `- ⚠️ ${toCode(application)} was not checked: ${escapeMarkdown(reason)}`,
    ),
    '',
  ]
  const lines = findings.map((finding) => formatFinding(finding, counts.clusters))
  const limit = markdownLimit * share
  return joinBlocks(head.join('\n'), lines, (left) => `\n… and ${left} more.\n`, limit)
}

function formatFinding(finding: Finding, total: number): string {
  const place = [finding.file, finding.line].filter(Boolean).join(':')
  const words = [
    finding.repository === 'fleet' ? '' : `repository ${toCode(finding.repository)}`,
    place && toCode(place),
    finding.object && toCode(finding.object),
    escapeMarkdown(finding.message),
  ]
  const where = describeClusters(finding.clusters, total)
  const rule = finding.rule === 'configuration' ? '' : ` (${escapeMarkdown(finding.rule)})`
  const on = where && ` — on ${where}`
  return `- ${marks[finding.severity]} ${words.filter(Boolean).join(': ')}${rule}${on}\n`
}
