import type { PlannedView } from '../client/gen/api.ts'
import { count, describeClusters } from '../check/where.ts'
import { escapeLine, formatDuration, formatTable } from './output.ts'
import type { createPaint } from './paint.ts'
import { formatVariants } from './variant-text.ts'

type Planned = PlannedView
type Changes = NonNullable<Planned['changes']>
type Paint = ReturnType<typeof createPaint>

/** Different forms of one change that are shown unless all are asked for. */
const shownVariants = 3

/** What a rollout would change, how long it may take, and what clusters say to it. */
export function formatPreview(
  planned: Planned,
  { total, all, paint }: { readonly total: number; readonly all: boolean; readonly paint: Paint },
): string {
  const { changes, policy, estimate, live } = planned
  const parts = [
    ...(changes ? [formatChanges(changes, total, all, paint)] : []),
    ...(policy.length > 0 ? [section('POLICIES', policy)] : []),
    ...(live ? [formatLive(live, total)] : []),
    ...(estimate ? [formatEstimate(estimate)] : []),
  ]
  return parts.map((part) => `\n${part}`).join('')
}

function section(title: string, lines: readonly string[]): string {
  return `${title}\n${lines.map((line) => `  ${escapeLine(line)}\n`).join('')}`
}

/** Which objects differ, and in which forms. */
export function formatChanges(changes: Changes, total: number, all: boolean, paint: Paint): string {
  const { removed, changed, added, objects, objectsLeftOut, notCompared, held } = changes
  const counts = [
    removed > 0 && `${removed} REMOVED`,
    changed > 0 && `${changed} changed`,
    added > 0 && `${added} added`,
  ].filter(Boolean)
  const head = `CHANGES: ${counts.length > 0 ? counts.join(', ') : 'no object differs'}\n`
  const blocks = objects.map((object) => formatObject(object, total, all, paint))
  const rest = [
    ...held.map((text) => `held back until confirmed: ${text}`),
    ...(objectsLeftOut > 0 ? [`${count(objectsLeftOut, 'more object')} differ`] : []),
    ...(notCompared.length > 0
      ? [`not compared: ${describeClusters(notCompared, total + 1)}`]
      : []),
  ]
  return `${head}${blocks.join('')}${rest.map((line) => `  ${escapeLine(line)}\n`).join('')}`
}

function formatObject(
  { object, variants }: Changes['objects'][number],
  total: number,
  all: boolean,
  paint: Paint,
): string {
  const [first, ...others] = variants
  const different = others.reduce((sum, { clusters }) => sum + clusters.length, 0)
  const reach =
    others.length === 0
      ? `on ${describeClusters(first?.clusters ?? [], total)}`
      : `same change on ${count(first!.clusters.length, 'cluster')}, different on ${different}`
  const kinds = [...new Set(variants.map(({ change, fate }) => fate ?? change))].join(', ')
  const where = (clusters: readonly string[]) =>
    all ? clusters.join(', ') : describeClusters(clusters, total)
  const head = paint('strong', escapeLine(`  ${object}: ${kinds}, ${reach}`))
  return `${head}\n${formatVariants(variants, { most: shownVariants, all, paint, where })}`
}

function formatLive(live: NonNullable<Planned['live']>, total: number): string {
  const refused = live.findings.filter(({ severity }) => severity === 'error').length
  const verdict = refused > 0 ? `${count(refused, 'object')} refused` : 'nothing is refused'
  const left = live.left > 0 ? `, ${live.left} not asked` : ''
  return section(`LIVE: ${count(live.clusters, 'cluster')} asked${left}; ${verdict}`, [
    ...live.findings.map(
      ({ severity, object, message, clusters }) =>
        `${severity}: ${object} on ${describeClusters(clusters, total)}: ${message}`,
    ),
    ...live.unanswered,
  ])
}

/** How long each wave may take, by what went before. */
export function formatEstimate(estimate: NonNullable<Planned['estimate']>): string {
  const { typicalSeconds, longestSeconds, withheldSeconds, rollouts, waves, uncounted } = estimate
  const words = (seconds: number | null) => (seconds === null ? '?' : formatDuration(seconds))
  const whole =
    typicalSeconds === null
      ? 'no history'
      : `about ${words(typicalSeconds)}, ${words(longestSeconds)} at the longest, by ${count(rollouts, 'rollout')} before`
  const waits = withheldSeconds
    ? `; ${words(withheldSeconds)} of it waiting for windows and what comes first`
    : ''
  const table = formatTable([
    ['WAVE', 'TYPICAL', 'LONGEST', 'WAITING', 'BY'],
    ...waves.map((wave) => [
      ...[wave.wave, words(wave.typicalSeconds), words(wave.longestSeconds)],
      wave.withheldSeconds ? words(wave.withheldSeconds) : '-',
      { wave: 'this wave', application: 'other waves', none: 'no history' }[wave.basis],
    ]),
  ])
  const rest = uncounted.length > 0 ? section('Not counted:', uncounted) : ''
  return `ESTIMATE: ${whole}${waits}\n${table}${rest}`
}
