import { describeObject, formatObjectId } from '@groundswell/proto/object-id.ts'
import type { RenderedObject } from '../render/engine.ts'
import { type Finding, mergeFindings } from './finding.ts'
import { createDeletionWait } from './deletion-wait.ts'
import { foretellHeld, markHeld } from './held-prune.ts'
import { diffObject, mostEdits, type ObjectChange } from './object-diff.ts'
import { createForetelling, type Fate, isLoss, isWaiting } from './removal.ts'
import type { RenderedContent, RenderedFleet, Unchecked } from './rendered-fleet.ts'
import { diffStrategies, type StrategyDiff } from './strategy-diff.ts'
import { count, describeClusters } from './where.ts'

/** The same difference of one object, on all clusters that have it. */
export interface Variant {
  readonly change: ObjectChange['change']
  /** Lines of a unified diff; secrets masked. */
  readonly patch: string
  readonly clusters: readonly string[]
  /** What becomes of an object that is removed. */
  readonly fate: Fate | null
}

export interface ObjectDiff {
  /** `Deployment shop/web`. */
  readonly object: string
  /** `apps/Deployment/shop/web` */
  readonly id: string
  /** That holds it, in its repository; empty when it is made. */
  readonly file: string
  /** The one that most clusters have comes first. */
  readonly variants: readonly Variant[]
}

export interface ApplicationDiff {
  readonly application: string
  /** Where anything of it differs. */
  readonly clusters: readonly string[]
  readonly objects: readonly ObjectDiff[]
}

/** What a change does to a fleet, object by object. */
export interface FleetDiff {
  readonly base: string
  readonly head: string
  readonly counts: {
    /** Of both sides together. */
    readonly clusters: number
    /** Clusters on which anything differs. */
    readonly changed: number
    readonly applications: number
    /** Objects, each once, whatever the number of clusters. */
    readonly objectsRemoved: number
    readonly objectsChanged: number
    readonly objectsAdded: number
  }
  readonly applications: readonly ApplicationDiff[]
  /** Applications on clusters where one side is not known: nothing is said of their objects. */
  readonly incomparable: readonly {
    readonly application: string
    readonly clusters: readonly string[]
  }[]
  /** Faults of either side. */
  readonly findings: readonly (Finding & { readonly side: 'base' | 'head' })[]
  readonly unchecked: readonly Unchecked[]
  /** Deletions that agents will hold back until they are confirmed. */
  readonly held: readonly Finding[]
  /** How applications roll out from then on, where that is set otherwise. */
  readonly strategies: readonly StrategyDiff[]
}

/** One object's difference on one cluster. */
export interface Difference extends ObjectChange {
  readonly object: RenderedObject
  readonly cluster: string
  readonly fate: Fate | null
}

/** Compares what two states of a fleet want of each cluster. */
export function diffFleets(base: RenderedFleet, head: RenderedFleet): FleetDiff {
  const diffPair = createPairDiff()
  const foretell = createForetelling(base, head)
  const waitOf = createDeletionWait(base, head)
  const applications: ApplicationDiff[] = []
  const held: Finding[] = []
  const incomparable = new Map<string, Set<string>>()
  // Others were not asked for, or are on no cluster.
  const isLookedAt = (name: string) =>
    [base, head].some(({ contents, unknown }) => contents.has(name) || unknown.has(name))
  const names = new Set([...base.fleet.applications.keys(), ...head.fleet.applications.keys()])
  for (const application of [...names].sort()) {
    const left = listUnknown(application, base, head)
    if (left.size > 0) incomparable.set(application, left)
    const [before, after] = [base, head].map(({ contents }) => contents.get(application))
    const clusters = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])
    const found: Difference[] = []
    for (const cluster of [...clusters].sort()) {
      if (left.has(cluster)) continue
      const [old, young] = [before?.get(cluster), after?.get(cluster)]
      const at = { application, cluster }
      const told = diffPair(old, young).map(({ object, ...change }) => {
        const fate = change.change === 'removed' ? foretell(at, object) : null
        return { ...change, object, cluster, fate }
      })
      const deleted = told.filter(({ fate }) => fate === 'deleted').map(({ object }) => object.id)
      const declared = head.fleet.applications.get(application)
      const one = { cluster, deleted }
      const holding =
        declared && old && young
          ? foretellHeld({ ...one, application: declared, before: old, after: young })
          : undefined
      if (holding) held.push(holding.finding)
      for (const each of markHeld(told, holding)) {
        const { fate } = each
        found.push(fate === 'deleted' ? { ...each, fate: waitOf(application, cluster) } : each)
      }
    }
    if (found.length > 0) applications.push(groupDifferences(application, found))
  }
  return {
    base: base.fleet.revision,
    head: head.fleet.revision,
    counts: countAll(base, head, applications),
    applications,
    incomparable: [...incomparable].map(([application, clusters]) => ({
      application,
      clusters: [...clusters].sort(),
    })),
    findings: [...sideOf('base', base), ...sideOf('head', head)],
    held: mergeFindings(held),
    strategies: diffStrategies(base.fleet, head.fleet, [...names].filter(isLookedAt).sort()),
    unchecked: [
      ...new Map(
        [...base.unchecked, ...head.unchecked].map((each) => [each.application, each]),
      ).values(),
    ],
  }
}

/** Whether nothing differs, everything being known. */
export function isSame({ applications, strategies }: FleetDiff): boolean {
  return applications.length === 0 && strategies.length === 0
}

/** An object that is wanted no more somewhere. */
export interface Removal {
  readonly application: string
  readonly object: string
  readonly fate: Fate
  readonly clusters: readonly string[]
}

/** All removals; what is deleted comes before what is left. */
export function listRemovals({ applications }: FleetDiff): Removal[] {
  const removals = applications.flatMap(({ application, objects }) =>
    objects.flatMap(({ object, variants }) =>
      variants.flatMap(({ fate, clusters }) =>
        fate === null ? [] : [{ application, object, fate, clusters }],
      ),
    ),
  )
  const rank = ({ fate }: Removal) => (isLoss(fate) ? 0 : 1)
  return removals.toSorted((a, b) => rank(a) - rank(b))
}

/** What nothing is said of, and why, in words; none when the answer is whole. */
export function listGaps({ incomparable, unchecked, counts }: FleetDiff): string[] {
  return [
    ...unchecked.map(
      ({ application, reason }) => `Application ${application} was not read: ${reason}`,
    ),
    ...incomparable
      .filter(({ application }) => !unchecked.some((each) => each.application === application))
      .map(
        ({ application, clusters }) =>
          `Application ${application} cannot be compared on ${describeClusters(clusters, counts.clusters)}: it does not render, or is suspended`,
      ),
  ]
}

/** `same change on 412 clusters, different on 3`. */
export function describeVariants({ variants }: ObjectDiff, total: number): string {
  const [first, ...others] = variants
  if (!first) return ''
  const [only] = others
  if (!only) return `on ${describeClusters(first.clusters, total)}`
  const rest = others.reduce((sum, { clusters }) => sum + clusters.length, 0)
  return `same change on ${count(first.clusters.length, 'cluster')}, different on ${rest}`
}

/** One line that says how much differs; fits into a commit status. */
export function summarizeDiff(diff: FleetDiff): string {
  const { clusters, changed, objectsRemoved, objectsChanged, objectsAdded } = diff.counts
  const gaps = listGaps(diff).length
  const left = gaps > 0 ? `; ${count(gaps, 'application')} not compared` : ''
  if (isSame(diff)) return `no differences${left}`
  const waiting = countWaiting(diff)
  const wait = waiting === 0 ? '' : ` (${waiting} ${waiting === 1 ? 'waits' : 'wait'})`
  const parts = [
    ...(objectsRemoved > 0 ? [`${objectsRemoved} REMOVED${wait}`] : []),
    ...(objectsChanged > 0 ? [`${objectsChanged} changed`] : []),
    ...(objectsAdded > 0 ? [`${objectsAdded} added`] : []),
  ]
  const objects =
    parts.length === 0
      ? 'no object differs'
      : `objects: ${parts.join(', ')}; on ${changed} of ${count(clusters, 'cluster')}`
  const others = diff.strategies.reduce((sum, { applications }) => sum + applications.length, 0)
  const strategy =
    others === 0 ? '' : `; the rollout strategy of ${count(others, 'application')} changes`
  return `${objects}${strategy}${left}`
}

/** Objects whose deletion waits somewhere for a person or a gate. */
function countWaiting({ applications }: FleetDiff): number {
  return applications
    .flatMap(({ objects }) => objects)
    .filter(({ variants }) => variants.some(({ fate }) => isWaiting(fate))).length
}

/** Clusters where a render of either side failed, or where it was left as it is. */
function listUnknown(application: string, ...sides: readonly RenderedFleet[]): Set<string> {
  return new Set(
    sides.flatMap((side) => [
      ...(side.unknown.get(application) ?? []),
      ...side.skipped
        .filter((skipped) => skipped.application === application && skipped.reason !== 'excluded')
        .map(({ cluster }) => cluster),
    ]),
  )
}

/** Of all searches together, in squares of lines that differ: some seconds. */
const mostEffort = 4 * mostEdits ** 2
/** Lines that may differ where that is used up. */
const fewEdits = 100

/**
 * Clusters share contents, so a pair is compared once. Nobody else is served meanwhile, so where too much is another
 * all of both sides is told in the place of the smallest difference.
 */
export function createPairDiff() {
  type Changed = ObjectChange & { readonly object: RenderedObject }
  const known = new Map<string, readonly Changed[]>()
  const changes = new Map<string, ObjectChange>()
  let effort = mostEffort

  function search(before: string | undefined, after: string | undefined): ObjectChange {
    const most = Math.max(fewEdits, Math.min(mostEdits, Math.floor(Math.sqrt(effort))))
    const found = diffObject(before, after, most)
    if (found.change !== 'changed') return found
    const edits = found.patch.match(/^[-+]/gm)?.length ?? 0
    effort = Math.max(0, effort - Math.min(edits, most) ** 2)
    return found
  }

  function change(before: string | undefined, after: string | undefined): ObjectChange {
    const key = JSON.stringify([before ?? null, after ?? null])
    const found = changes.get(key) ?? search(before, after)
    changes.set(key, found)
    return found
  }

  return (before: RenderedContent | undefined, after: RenderedContent | undefined) => {
    if (before?.digest === after?.digest) return []
    const key = `${before?.digest} ${after?.digest}`
    const found = known.get(key)
    if (found) return found
    const [old, young] = [before, after].map(
      (content) => new Map(content?.objects.map((object) => [formatObjectId(object.id), object])),
    )
    const ids = [...new Set([...old!.keys(), ...young!.keys()])].sort()
    const made = ids.flatMap((id) => {
      const [was, is] = [old!.get(id), young!.get(id)]
      if (was?.json === is?.json) return []
      return [{ ...change(was?.json, is?.json), object: (is ?? was)! }]
    })
    known.set(key, made)
    return made
  }
}

const order: readonly ObjectChange['change'][] = ['removed', 'changed', 'added']

/** The same difference on many clusters is there once. */
export function groupDifferences(
  application: string,
  found: readonly Difference[],
): ApplicationDiff {
  const byObject = Map.groupBy(found, ({ object }) => formatObjectId(object.id))
  const objects = [...byObject].map(([id, all]) => {
    const byChange = Map.groupBy(all, ({ key, fate }) => `${key} ${fate}`)
    const variants = [...byChange.values()].map((same) => {
      const { change, patch, fate } = same[0]!
      return { change, patch, fate, clusters: same.map(({ cluster }) => cluster) }
    })
    const { object } = all[0]!
    return {
      object: describeObject(object.id),
      id,
      file: object.file,
      variants: variants.toSorted((a, b) => b.clusters.length - a.clusters.length),
    }
  })
  const rank = ({ variants }: ObjectDiff) =>
    Math.min(...variants.map(({ change }) => order.indexOf(change)))
  return {
    application,
    clusters: [...new Set(found.map(({ cluster }) => cluster))].sort(),
    objects: objects.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1)),
  }
}

function countAll(
  base: RenderedFleet,
  head: RenderedFleet,
  applications: readonly ApplicationDiff[],
): FleetDiff['counts'] {
  const objects = applications.flatMap((application) => application.objects)
  const having = (change: ObjectChange['change']) =>
    objects.filter(({ variants }) => variants.some((variant) => variant.change === change)).length
  return {
    clusters: new Set([...base.fleet.clusters.keys(), ...head.fleet.clusters.keys()]).size,
    changed: new Set(applications.flatMap(({ clusters }) => clusters)).size,
    applications: applications.length,
    objectsRemoved: having('removed'),
    objectsChanged: having('changed'),
    objectsAdded: having('added'),
  }
}

function sideOf(side: 'base' | 'head', { findings }: RenderedFleet) {
  return mergeFindings(findings.filter(({ severity }) => severity === 'error')).map((finding) => ({
    ...finding,
    side,
  }))
}
