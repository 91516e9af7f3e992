import type { DiffRange } from '../../check/checkout.ts'
import { formatDiffMarkdown } from '../../check/diff-markdown.ts'
import {
  describeVariants,
  type FleetDiff,
  isSame,
  listGaps,
  listRemovals,
  type ObjectDiff,
  summarizeDiff,
} from '../../check/fleet-diff.ts'
import { toDiffSarif } from '../../check/sarif.ts'
import { describeStrategyChange } from '../../check/strategy-diff.ts'
import { describeApplications, describeClusters } from '../../check/where.ts'
import hub from '../../package.json' with { type: 'json' }
import { type CheckoutFlags, toSelection, useCheckout } from '../checkout.ts'
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../failure.ts'
import { escapeLine, formatJson } from '../output.ts'
import { createPaint } from '../paint.ts'
import { formatVariants } from '../variant-text.ts'

/** Different forms of one change that are shown unless all are asked for. */
const shownVariants = 5

type Paint = ReturnType<typeof createPaint>

interface Flags extends CheckoutFlags {
  readonly all?: true
  readonly output: 'text' | 'markdown' | 'json' | 'sarif'
}

/** What the way from one commit to another does to every cluster; without a hub. */
export async function diffCommits(
  context: CommandContext,
  range: DiffRange,
  flags: Flags,
): Promise<ExitCode> {
  const { terminal } = context
  const diff = await useCheckout(context, flags, (checkout) =>
    checkout.diff({ ...toSelection(flags), ...range }, terminal.signal),
  )
  terminal.out(format(diff, flags, createPaint(terminal.color)))
  const gaps = listGaps(diff)
  if (flags.output === 'text') {
    for (const finding of diff.findings) {
      const { side, file, line, object, message } = finding
      const words = [`${side}:${file}:${line}`, object, message].filter(Boolean).join(': ')
      terminal.say(`${escapeLine(words)}\n`)
    }
    for (const gap of gaps) terminal.say(`${escapeLine(gap)}\n`)
  }
  terminal.say(`${summarizeDiff(diff)}\n`)
  if (gaps.length > 0) return 2
  return isSame(diff) ? 0 : 1
}

function format(diff: FleetDiff, { output, all }: Flags, paint: Paint): string {
  switch (output) {
    case 'text':
      return formatText(diff, all ?? false, paint)
    case 'markdown':
      return formatDiffMarkdown(diff)
    case 'json':
      return formatJson(diff)
    case 'sarif':
      return formatJson(toDiffSarif(diff, hub.version))
    default:
      return output satisfies never
  }
}

function formatText(diff: FleetDiff, all: boolean, paint: Paint): string {
  const where = (clusters: readonly string[]) =>
    all && clusters.length > 1
      ? `${clusters.length} clusters: ${clusters.join(', ')}`
      : describeClusters(clusters, diff.counts.clusters)
  const removals = listRemovals(diff).map(({ application, object, fate, clusters }) =>
    escapeLine(`  - ${object} of ${application} on ${where(clusters)}: ${fate}`),
  )
  const held = diff.held.map(({ application, message, clusters }) =>
    escapeLine(`  ! ${application} on ${where(clusters)}: ${message}`),
  )
  const loud =
    removals.length > 0
      ? [paint('removed', `REMOVED (${removals.length})`), ...removals, ...held, ''].join('\n')
      : ''
  const strategies = diff.strategies.map(({ applications, changes }) => {
    const whose = all ? applications.join(', ') : describeApplications(applications)
    return [
      paint('strong', escapeLine(`rollout strategy of ${whose}`)),
      ...changes.map((change) => escapeLine(`  ${describeStrategyChange(change)}`)),
    ].join('\n')
  })
  const blocks = diff.applications.map(({ application, clusters, objects }) =>
    [
      paint('strong', escapeLine(`application ${application} on ${where(clusters)}`)),
      ...objects.map((object) => formatObject(object, diff, { all, paint, where })),
    ].join('\n'),
  )
  return [loud, ...strategies, ...blocks]
    .filter(Boolean)
    .map((block) => `${block}\n`)
    .join('')
}

function formatObject(
  object: ObjectDiff,
  { counts }: FleetDiff,
  {
    all,
    paint,
    where,
  }: { all: boolean; paint: Paint; where: (clusters: readonly string[]) => string },
): string {
  const { variants } = object
  const changes = [...new Set(variants.map(({ change }) => change))].join(', ')
  const head = `  ${object.object}: ${changes} ${describeVariants(object, counts.clusters)}`
  const forms = formatVariants(variants, { most: shownVariants, all, paint, where })
  return `${paint('strong', escapeLine(head))}\n${forms}`.trimEnd()
}
