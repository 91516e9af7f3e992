import type { Digest } from '@groundswell/proto/digest.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import { formatObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { listSpellings } from '@groundswell/proto/spelling.ts'
import { isLeaveAll } from '@groundswell/proto/statement.ts'
import type { Hub } from './api/hub.ts'
import type { ChangesView, EstimateView, LiveView, PlannedView } from './api/plan-view.ts'
import type { ContentStore } from './bundle/content.ts'
import { readManifest } from './bundle/stored-manifest.ts'
import { fitObjects } from './check/fit-objects.ts'
import { type Difference, createPairDiff, groupDifferences } from './check/fleet-diff.ts'
import { mergeFindings } from './check/finding.ts'
import { foretellHeld, markHeld } from './check/held-prune.ts'
import { tryFleet } from './check/live.ts'
import { createForetelling, type Fate, isLoss } from './check/removal.ts'
import type { RenderedContent } from './check/rendered-fleet.ts'
import { type Fault, formatFault } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { LedgerState } from './ledger/replay.ts'
import type { RenderedObject } from './render/engine.ts'
import type { Desired } from './rollout/withhold/dependency.ts'
import { type Estimate, estimateRollout, listPastWaves } from './rollout/estimate/estimate.ts'
import { foresee } from './rollout/estimate/foresight.ts'
import type { RolloutPlan, RolloutTarget } from './rollout/rollout.ts'

export interface PreviewDeps {
  readonly state: LedgerState
  readonly content: ContentStore
  readonly desired: Desired
  /** Renders again what a cluster is assigned. */
  readonly rebuild: (cluster: string) => Promise<void>
  readonly dryRun: Hub['dryRun']
  readonly clock: () => number
  /** A signal that fires after `ms`. */
  readonly timeout: (ms: number) => AbortSignal
}

/** What is known of the fleet when a preview is asked for. */
export interface PreviewOf {
  readonly fleet: Fleet
  readonly plan: RolloutPlan
  /** What policies said of the newest render. */
  readonly warnings: readonly Fault[]
  readonly live: boolean
  /** Whether it undoes something: that waits for no window. */
  readonly back?: boolean
}

export type Preview = Omit<PlannedView, 'application' | 'rollout'>

/** Different contents that are compared; most fleets have a few of an application. */
const mostPairs = 64
/** Characters of all patches together. */
const patchRoom = 2 * 1024 * 1024
/** Clusters asked in one preview, and how long all of them together may take. */
const mostLive = 100
const livePatience = 100_000
const blobsAtOnce = 500

/** What a plan would change, how long it may take, and what clusters say to it. Moves nothing. */
export function createPreview(deps: PreviewDeps) {
  const { state, content, desired } = deps

  /** A manifest and its objects; undefined when it cannot be had. */
  async function readContent(digest: Digest, cluster: string): Promise<Read | undefined> {
    const rebuild = () => deps.rebuild(cluster)
    const manifest = await readManifest(content, digest, rebuild)
    if (!manifest) return undefined
    const objects: RenderedContent['objects'][number][] = []
    for (let at = 0; at < manifest.objects.length; at += blobsAtOnce) {
      const part = manifest.objects.slice(at, at + blobsAtOnce)
      const blobs = await content.get(part.map((one) => one.digest))
      for (const [index, { id, apiVersion, file }] of part.entries()) {
        const bytes = blobs[index]
        if (!bytes) return undefined
        const json = Buffer.from(bytes).toString()
        objects.push({ id: parseObjectId(id), apiVersion, file, json })
      }
    }
    const { targetNamespace } = manifest
    return { manifest, content: { digest, objects, warnings: [], targetNamespace } }
  }

  /** Both sides of every cluster, each content read once. */
  async function readSides({ application, targets }: RolloutPlan) {
    const pairs = new Set<string>()
    const reading = new Map<Digest, Promise<Read | undefined>>()
    const read = (digest: Digest | null, cluster: string) => {
      if (digest === null) return undefined
      const known = reading.get(digest) ?? readContent(digest, cluster).catch(() => undefined)
      reading.set(digest, known)
      return known
    }
    const sides = new Map<string, Sides>()
    const notCompared: string[] = []
    for (const [cluster, target] of Object.entries(targets)) {
      const assigned = state.assignments.get(cluster)?.get(application)?.digest ?? null
      pairs.add(`${assigned} ${target.digest}`)
      if (pairs.size > mostPairs) {
        pairs.delete(`${assigned} ${target.digest}`)
        notCompared.push(cluster)
        continue
      }
      const [before, after] = [await read(assigned, cluster), await read(target.digest, cluster)]
      const isWhole = (assigned === null || before) && (target.digest === null || after)
      if (isWhole) sides.set(cluster, { before, after })
      else notCompared.push(cluster)
    }
    return { sides, notCompared }
  }

  function compare({ fleet, plan }: PreviewOf, { sides, notCompared }: ReadSides): ChangesView {
    const { application, targets } = plan
    const diffPair = createPairDiff()
    const contents = new Map([[application, afterOf(sides)]])
    const foretell = createForetelling({ fleet, contents: new Map() }, { fleet, contents })
    const found: Difference[] = []
    const held = []
    for (const [cluster, { before, after }] of sides) {
      const target = targets[cluster]!
      const foretellAll = (object: RenderedObject): Fate =>
        foretellBy(target, before, object) ?? foretell({ application, cluster }, object)
      const here = diffPair(before?.content, after?.content).map(({ object, ...change }) => {
        const told = change.change === 'removed' ? foretellAll(object) : null
        const fate =
          told === 'deleted' && target.undo
            ? 'deleted unless it was there before the rollout'
            : told
        return { ...change, object, cluster, fate }
      })
      const deleted = here.filter(({ fate }) => isLoss(fate)).map(({ object }) => object.id)
      const declared = fleet.applications.get(application)
      const sidesOf = before && after && { before: before.content, after: after.content }
      const holding =
        declared && sidesOf
          ? foretellHeld({ application: declared, cluster, deleted, ...sidesOf })
          : undefined
      if (holding) held.push(holding.finding)
      found.push(...markHeld(here, holding))
    }
    const { objects } = groupDifferences(application, found)
    const count = (kind: string) =>
      objects.filter(({ variants }) => variants.some(({ change }) => change === kind)).length
    const shown = fitObjects(objects, { left: patchRoom })
    return {
      ...{ removed: count('removed'), changed: count('changed'), added: count('added') },
      objects: shown,
      objectsLeftOut: objects.length - shown.length,
      notCompared,
      held: mergeFindings(held).map(
        ({ message, clusters }) => `${clusters.join(', ')}: ${message}`,
      ),
    }
  }

  async function askLive({ fleet, plan }: PreviewOf, { sides }: ReadSides): Promise<LiveView> {
    const after = afterOf(sides)
    const clusters = pickSample(after)
    const asked = new Map(clusters.map((name) => [name, after.get(name)!]))
    const tried = await tryFleet(
      { fleet, contents: new Map([[plan.application, asked]]) },
      (cluster, request) => deps.dryRun(cluster, request),
      deps.timeout(livePatience),
    )
    return {
      clusters: clusters.length,
      left:
        [...Object.values(plan.targets)].filter(({ digest }) => digest !== null).length -
        clusters.length,
      findings: mergeFindings(tried.findings).map(
        ({ severity, object, file, message, clusters }) => ({
          ...{ severity, object, file, message, clusters },
        }),
      ),
      unanswered: tried.unchecked.map(({ reason }) => reason),
    }
  }

  return async function preview(of: PreviewOf): Promise<Preview> {
    const { fleet, plan, warnings, live } = of
    const past = listPastWaves(state, plan.application)
    const ahead = of.back ? undefined : foresee({ fleet, state, desired, now: deps.clock() }, plan)
    const read = await readSides(plan)
    const object = `Application ${plan.application}`
    return {
      changes: compare(of, read),
      policy: warnings.filter((fault) => fault.object === object).map(formatFault),
      estimate: viewEstimate(estimateRollout(plan, past, ahead)),
      live: live ? await askLive(of, read) : null,
    }
  }
}

interface Read {
  readonly manifest: Manifest
  readonly content: RenderedContent
}

interface Sides {
  readonly before: Read | undefined
  readonly after: Read | undefined
}

/** What a plan itself says of an object that it takes away. */
function foretellBy(
  { digest, deletionPolicy, leave }: RolloutTarget,
  before: Read | undefined,
  { id }: RenderedObject,
): Fate | undefined {
  if (digest === null && deletionPolicy === 'Orphan') {
    return before?.manifest.deletionPolicy === 'Orphan'
      ? 'left: its deletionPolicy is Orphan'
      : 'left: another application gets it'
  }
  if (isLeaveAll(leave)) return 'left: another application may get it'
  const { targetNamespace = '' } = before?.manifest ?? {}
  const ids = listSpellings({ targetNamespace, objects: [{ id: formatObjectId(id) }] })
  return leave?.some((one) => ids.has(one)) ? 'left: another application gets it' : undefined
}

interface ReadSides {
  readonly sides: ReadonlyMap<string, Sides>
  readonly notCompared: readonly string[]
}

function afterOf(sides: ReadonlyMap<string, Sides>): Map<string, RenderedContent> {
  return new Map(
    [...sides].flatMap(([cluster, { after }]) => (after ? [[cluster, after.content]] : [])),
  )
}

/** One cluster of each content first, then others, as many as are asked. */
function pickSample(contents: ReadonlyMap<string, RenderedContent>): string[] {
  const seen = new Set<Digest>()
  const first: string[] = []
  const rest: string[] = []
  for (const [cluster, { digest }] of contents) {
    ;(seen.has(digest) ? rest : first).push(cluster)
    seen.add(digest)
  }
  return [...first, ...rest].slice(0, mostLive).sort()
}

/** An estimate as people are told of it, in seconds. */
export function viewEstimate({
  typical,
  longest,
  withheld,
  rollouts,
  waves,
  uncounted,
}: Estimate): EstimateView {
  const seconds = (time: number | null) => (time === null ? null : Math.round(time / 1_000))
  return {
    typicalSeconds: seconds(typical),
    longestSeconds: seconds(longest),
    withheldSeconds: seconds(withheld),
    rollouts,
    waves: waves.map((wave) => ({
      wave: wave.wave,
      typicalSeconds: seconds(wave.typical),
      longestSeconds: seconds(wave.longest),
      withheldSeconds: seconds(wave.withheld),
      basis: wave.basis,
    })),
    uncounted,
  }
}
