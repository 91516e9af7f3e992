import {
  describeVariants,
  type FleetDiff,
  isSame,
  listGaps,
  listRemovals,
  type ObjectDiff,
  summarizeDiff,
} from './fleet-diff.ts'
import { escapeMarkdown, joinBlocks, markdownLimit, toCode, toCodeBlock } from './markdown.ts'
import { describeStrategyChange } from './strategy-diff.ts'
import { describeApplications, describeClusters } from './where.ts'

/** Different forms of one change that are shown; the rest is counted. */
const shownVariants = 5
const mostRemovals = 100

/**
 * A comment for a change: what is removed first, then every object's difference, folded.
 *
 * @param taken characters that something else takes of the room
 */
export function formatDiffMarkdown(diff: FleetDiff, taken = 0): string {
  const total = diff.counts.clusters
  const heading = isSame(diff) ? '### Groundswell diff: nothing changes' : '### Groundswell diff'
  const gaps = listGaps(diff).map((gap) => `- ⚠️ ${escapeMarkdown(gap)}\n`)
  const head = `${heading}\n\n${escapeMarkdown(summarizeDiff(diff))}\n\n${gaps.join('')}\n`
  const removals = formatRemovals(diff)
  const blocks = [
    ...(removals.length > 0 ? [`#### 🛑 Removed\n\n${removals.join('')}\n`] : []),
    ...diff.held.map(({ application, message, clusters }) => {
      const where = `${toCode(application)} on ${describeClusters(clusters, total)}`
      return `- ✋ ${where}: ${escapeMarkdown(message)}\n\n`
    }),
    ...diff.strategies.map(({ applications, changes }) => {
      const lines = changes.map((change) => `- ${escapeMarkdown(describeStrategyChange(change))}\n`)
      return `#### Rollout strategy of ${escapeMarkdown(describeApplications(applications))}\n\n${lines.join('')}\n`
    }),
    ...diff.applications.flatMap(({ application, clusters, objects }) => [
      `#### ${toCode(application)} on ${describeClusters(clusters, total)}\n\n`,
      ...objects.map((object) => formatObject(object, total)),
    ]),
  ]
  const rest = (left: number) => `\n… and ${left} more parts; see \`swell diff\`.\n`
  return joinBlocks(head, blocks, rest, markdownLimit - taken)
}

function formatRemovals(diff: FleetDiff): string[] {
  const lines = listRemovals(diff).map(({ application, object, fate, clusters }) => {
    const on = describeClusters(clusters, diff.counts.clusters)
    return `- ${toCode(object)} of ${toCode(application)} on ${on}: **${fate}**\n`
  })
  const left = lines.length - mostRemovals
  return left > 0 ? [...lines.slice(0, mostRemovals), `- … and ${left} more\n`] : lines
}

function formatObject(object: ObjectDiff, total: number): string {
  const { variants } = object
  const changes = [...new Set(variants.map(({ change }) => change))].join(', ')
  const summary = `${toHtml(object.object)}: ${changes}, ${describeVariants(object, total)}`
  const parts = variants.slice(0, shownVariants).map(({ patch, clusters }) => {
    const on = variants.length > 1 ? `on ${describeClusters(clusters, total)}:\n\n` : ''
    return `${on}${toCodeBlock(patch, 'diff')}\n`
  })
  const left = variants.length - parts.length
  const more = left > 0 ? `… and ${left} more forms of it.\n\n` : ''
  return `<details><summary>${summary}</summary>\n\n${parts.join('')}${more}</details>\n\n`
}

/** Names of objects are an author's to choose. */
function toHtml(text: string): string {
  return `<code>${text.replace(/[^\p{L}\p{N} ./-]/gu, (char) => `&#${char.codePointAt(0)!};`)}</code>`
}
