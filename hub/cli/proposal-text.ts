import { describeStrategyChange } from '../check/strategy-diff.ts'
import { count, describeApplications, describeClusters } from '../check/where.ts'
import type { ProposalView } from '../client/gen/api.ts'
import { escapeLine, formatFields, formatTable } from './output.ts'
import type { createPaint } from './paint.ts'
import { formatChanges, formatEstimate } from './plan-text.ts'

type Application = ProposalView['applications'][number]

interface Options {
  readonly all: boolean
  readonly paint: ReturnType<typeof createPaint>
}

/** What would come of a branch, a commit or a pull request: what is wrong, what changes where, and in which waves. */
export function formatProposal(proposal: ProposalView, options: Options): string {
  const { counts, gaps, applicationsLeftOut, behind } = proposal
  const total = counts?.clusters ?? 0
  const fields = formatFields([
    ['Revision', proposal.revision],
    ['Subject', proposal.subject],
    ['Author', proposal.author],
    ['Base', behind ? `${proposal.base}, which is behind what is followed` : proposal.base],
    ['Verdict', proposal.verdict],
    ['Changes', counts ? describeCounts(counts) : 'nothing could be compared'],
  ])
  const left = [
    ...gaps,
    ...(proposal.findingsLeftOut > 0
      ? [`${count(proposal.findingsLeftOut, 'more finding')} not shown`]
      : []),
    ...(applicationsLeftOut > 0
      ? [`${count(applicationsLeftOut, 'more application')} not shown`]
      : []),
  ]
  const parts = [
    fields,
    ...(proposal.findings.length > 0 ? [formatFindings(proposal.findings, total)] : []),
    ...proposal.strategies.map(
      ({ applications, changes }) =>
        `${headStrategy(applications, options)}\n${changes.map(describeStrategyChange).map(indented).join('')}`,
    ),
    ...proposal.applications.map((application) => formatApplication(application, total, options)),
    ...(left.length > 0 ? [`NOT LOOKED AT\n${left.map(indented).join('')}`] : []),
  ]
  return parts.join('\n')
}

function headStrategy(applications: readonly string[], { all, paint }: Options): string {
  const whose = all ? applications.join(', ') : describeApplications(applications)
  return paint('strong', escapeLine(`ROLLOUT STRATEGY of ${whose}`))
}

const indented = (line: string): string => `  ${escapeLine(line)}\n`

function describeCounts(counts: NonNullable<ProposalView['counts']>): string {
  const { changed, clusters, objectsRemoved, objectsChanged, objectsAdded } = counts
  const objects = [
    objectsRemoved > 0 && `${objectsRemoved} REMOVED`,
    objectsChanged > 0 && `${objectsChanged} changed`,
    objectsAdded > 0 && `${objectsAdded} added`,
  ].filter(Boolean)
  if (objects.length === 0) return 'no object differs'
  return `${objects.join(', ')} on ${changed} of ${count(clusters, 'cluster')}`
}

function formatFindings(findings: ProposalView['findings'], total: number): string {
  const lines = findings.map(({ severity, rule, message, file, line, object, clusters }) => {
    const place = file && `${file}${line > 0 ? `:${line}` : ''}: `
    const what = object && `${object}: `
    const where = clusters.length > 0 ? ` (${describeClusters(clusters, total)})` : ''
    return `${severity}: ${place}${what}${message} [${rule}]${where}`
  })
  return `FINDINGS\n${lines.map(indented).join('')}`
}

function formatApplication(
  { application, changes, plan }: Application,
  total: number,
  { all, paint }: Options,
): string {
  const head = paint('strong', escapeLine(`APPLICATION ${application}`))
  const changed = formatChanges(changes, total, all, paint)
  if (!plan) return `${head}\n${changed}it would not roll out\n`
  const waves = formatTable([
    ['WAVE', 'CLUSTERS', 'GATES'],
    ...plan.waves.map(({ name, clusters, gates }) => [name, String(clusters), gates.join('; ')]),
  ])
  const estimate = plan.estimate ? formatEstimate(plan.estimate) : ''
  return `${head}\n${changed}${waves}${estimate}`
}
