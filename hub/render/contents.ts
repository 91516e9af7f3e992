import { posix } from 'node:path'
import type { Digest } from '@groundswell/proto/digest.ts'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { buildBundle } from '../bundle/build.ts'
import type { ContentStore } from '../bundle/content.ts'
import { createPresence } from '../bundle/presence.ts'
import { type Fault, HubError } from '../errors.ts'
import { type FleetFacts, knowCluster } from '../fleet/resolve/cluster-facts.ts'
import { readCommonHealth } from '../fleet/load/fleet-health.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { baseRepositories } from '../fleet/input/remote-base.ts'
import { readRenderFiles } from '../fleet/input/render-files.ts'
import { type FindChart, type RenderSource, readChartSource } from '../fleet/input/render-source.ts'
import { createRenderSources } from '../fleet/input/render-sources.ts'
import { createResolutions } from '../fleet/resolve/resolutions.ts'
import type { ResolvedTarget } from '../fleet/resolve/resolve.ts'
import { projectNameOf } from '../fleet/resolve/tenancy.ts'
import { type PolicyGate, passGate } from '../policy/gate.ts'
import type { PolicySet } from '../policy/load.ts'
import { signatureCheck } from '../policy/signature/unsigned.ts'
import { toViolationFault } from '../policy/violation.ts'
import type { Content } from '../rollout/rollout.ts'
import { type Charts, isExactVersion } from '../source/chart/chart.ts'
import { chartRefreshMs } from '../source/chart/charts.ts'
import type { Mirror } from '../source/source.ts'
import { createSlots } from '../slots.ts'
import { type BundleMemory, type MadeBundle, mostNotes } from './bundle-memory.ts'
import { type BundleSource, createBundleSources } from './bundle-source.ts'
import { createBundles } from './bundles.ts'
import type { RenderEngine, RenderFiles } from './engine.ts'
import { type Bear, firstWaitMs, type Patience, renderPatiently } from './patience.ts'
import { mergeFaults, placeFault, placeFaults, toFaults } from './render-faults.ts'
import type { Place, Room } from './room.ts'

export interface ContentsDeps {
  readonly engine: RenderEngine
  readonly content: ContentStore
  /** Over restarts; without it, all is rendered anew once. */
  readonly memory?: BundleMemory
  /** The mirror of a Repository, `fleet` for the fleet repository. */
  readonly mirror: (repository: string) => Mirror | undefined
  /** Charts that are not of Git. */
  readonly charts: Charts
  /** Nothing is stored, let alone delivered, that it does not let through. */
  readonly gate: PolicyGate
  readonly patience: Patience
  /** For what renders hold until it is stored. */
  readonly room: Room
}

export interface ContentsRequest {
  readonly fleet: Fleet
  /** Repository → `main@sha1:…`; a repository without one cannot be rendered from. */
  readonly revisions: ReadonlyMap<string, string>
  /** What agents reported of their clusters. */
  readonly facts?: FleetFacts
  /** Renders only these when given. */
  readonly only?: { readonly application: string; readonly cluster?: string }
}

export interface Contents {
  /** Application → cluster → what it should run. Applications with any fault are left out. */
  readonly applications: ReadonlyMap<string, ReadonlyMap<string, Content>>
  readonly faults: readonly Fault[]
  /** What policies have to say that keeps nothing back. */
  readonly warnings: readonly Fault[]
  /** Clusters that are left as they are, by application: suspended ones, and those not known enough. */
  readonly skipped: ReadonlyMap<string, ReadonlySet<string>>
  /**
   * Milliseconds after which it should be looked at again although no commit came: something that
   * is not of Git was away, an image may be signed by then, or a chart have a newer version.
   */
  readonly againMs?: number
  /** Of each manifest in `applications`. */
  readonly origins?: ReadonlyMap<Digest, ContentOrigin>
  /** Of manifests in `applications`: the same for those that name the same objects. */
  readonly fingerprints?: ReadonlyMap<Digest, string>
}

/** What a manifest was made of and what is in it; the signer's policy judges by these. */
export interface ContentOrigin {
  readonly repository: string
  readonly revision: string
  /** Where its chart came from, when that is not the repository. */
  readonly chartRepo?: string
  /** `apps/Deployment`, `ConfigMap`; sorted, each once. */
  readonly kinds: readonly string[]
}

type MadeContent = Content & MadeBundle

/** What clusters have in common within one look at the fleet: read, made and stored once for all. */
interface Shared {
  readonly sources: Map<string, Promise<RenderSource>>
  readonly bundles: Map<string, Promise<MadeBundle>>
  /** The newest that is being made of a base, for whichever cluster. */
  readonly making: Map<Digest, Promise<MadeBundle>>
  /** What a target's bundle is made of. */
  readonly sourceOf: (target: ResolvedTarget, source: RenderSource) => BundleSource
  /** Renders of one Project from one repository. */
  readonly bear: (owner: string) => Bear
}

/** Targets looked at together, so that the store is asked once for what of them it has. */
const looksAtOnce = 1_024
/** Of what takes its time: renders, and charts that are asked for. */
const rendersAtOnce = 16
/** What was away is asked again this soon. */
const awayMs = 30_000

/**
 * A fleet at given revisions → the content of every application on every cluster, rendered,
 * bundled and stored. Clusters whose inputs are the same share one render. An application that
 * fails anywhere fails as a whole, so that no half of it is rolled out.
 */
export function createContents(deps: ContentsDeps) {
  const bundles = createBundles(deps.memory)
  const sources = createRenderSources()
  const resolve = createResolutions()
  const bundleSources = createBundleSources(deps.engine.version)
  const isStored = createPresence(deps.content)
  const slots = createSlots({ most: rendersAtOnce })

  async function render(request: ContentsRequest, signal: AbortSignal): Promise<Contents> {
    await bundles.remember()
    const { only } = request
    const resolution = resolve(request.fleet, request.facts ?? new Map())
    const unsaid = Map.groupBy(resolution.faults, nameTarget)
    const wanted = resolution.targets.filter(
      ({ application, cluster }) =>
        (!only || only.application === application) && (!only?.cluster || only.cluster === cluster),
    )
    const targets = wanted.filter((target) => !unsaid.has(nameTarget(target)))
    const { policies, warnings: told } = await loadPolicies(request, signal)
    const faults: Fault[] = []
    const warnings: Fault[] = [...told]
    const failed = new Set<string>()
    const applications = new Map<string, Map<string, Content>>()
    const origins = new Map<Digest, ContentOrigin>()
    const fingerprints = new Map<Digest, string>()
    let againMs = targets.some(({ chart }) => chart && !isExactVersion(chart.version))
      ? chartRefreshMs
      : Infinity
    const shared: Shared = {
      ...{ sources: new Map(), bundles: new Map(), making: new Map() },
      sourceOf: bundleSources.look({
        fleet: request.fleet,
        // What is made again is what runs already, and no later rule may keep it back.
        policies: only ? undefined : policies,
        health: readCommonHealth(request.fleet),
      }),
      bear: deps.patience().of,
    }
    const skipped = new Map<string, Set<string>>()
    const leave = ({ application, cluster }: Pick<ResolvedTarget, 'application' | 'cluster'>) =>
      skipped.set(application, (skipped.get(application) ?? new Set()).add(cluster))
    for (const name of request.fleet.applications.keys()) {
      if (!only || only.application === name) applications.set(name, new Map())
    }
    const attempt = async (target: ResolvedTarget) => {
      try {
        return { target, made: await renderTarget(request, target, shared, signal) }
      } catch (error) {
        return { target, error, isAlone: await failsAlone(request, target, shared, signal) }
      }
    }
    for (let at = 0; at < targets.length; at += looksAtOnce) {
      signal.throwIfAborted()
      const outcomes = await Promise.all(targets.slice(at, at + looksAtOnce).map(attempt))
      for (const outcome of outcomes) {
        const { target } = outcome
        if (outcome.made) {
          const { digest, size, revision, kinds, violations, notes, fingerprint } = outcome.made
          if (fingerprint !== undefined) fingerprints.set(digest, fingerprint)
          applications.get(target.application)?.set(target.cluster, { digest, size, revision })
          const { repository } = target
          warnings.push(...violations.map((one) => placeFault(toViolationFault(one), target)))
          warnings.push(...notes.map((message) => placeFault({ message }, target)))
          const chartRepo = target.chart?.repo
          origins.set(digest, {
            ...{ repository, revision, kinds },
            ...(chartRepo === undefined ? {} : { chartRepo }),
          })
        } else {
          if (outcome.isAlone) leave(target)
          else failed.add(target.application)
          if (mayPass(outcome.error)) againMs = awayMs
          else if (isTooSlow(outcome.error)) againMs = Math.min(againMs, firstWaitMs)
          const declared = request.fleet.applications.get(target.application)!
          faults.push(...toFaults(outcome.error, target, declared))
        }
      }
    }
    for (const name of failed) applications.delete(name)
    for (const one of resolution.skipped) if (one.reason !== 'excluded') leave(one)
    // Git alone does not say what goes there, and until an agent does nothing there changes.
    for (const target of wanted) {
      const [first] = unsaid.get(nameTarget(target)) ?? []
      if (!first) continue
      leave(target)
      const { file, line } = request.fleet.applications.get(target.application)!
      warnings.push(
        placeFault({ message: `${first.message}: it is left as it is`, file, line }, target),
      )
    }
    return {
      ...{ applications, skipped, origins, fingerprints },
      ...(Number.isFinite(againMs) && { againMs }),
      faults: mergeFaults(faults),
      warnings: mergeFaults(warnings),
    }
  }

  /** None for what is made again: it is what runs already, and no later rule may keep it back. */
  async function loadPolicies(
    { fleet, revisions, only }: ContentsRequest,
    signal: AbortSignal,
  ): Promise<PolicySet> {
    if (only || fleet.policies.size === 0) return { policies: [], warnings: [] }
    const [mirror, revision] = [deps.mirror('fleet'), revisions.get('fleet')]
    if (!mirror || !revision) {
      throw new HubError('source_unreachable', 'the fleet repository was not read yet')
    }
    return deps.gate.load(fleet, { mirror, commit: parseRevision(revision).commit }, signal)
  }

  async function renderTarget(
    request: ContentsRequest,
    target: ResolvedTarget,
    shared: Shared,
    signal: AbortSignal,
  ): Promise<MadeContent> {
    const mirror = deps.mirror(target.repository)
    const revision = request.revisions.get(target.repository)
    if (!mirror || !revision) {
      const words = `repository ${target.repository} was not read yet; \`swell describe source ${target.repository}\` says why`
      throw new HubError('source_unreachable', words)
    }
    const { commit } = parseRevision(revision)
    const { path, kind, valuesFiles, chart, bases, chartSources } = target
    const what = [path, kind, valuesFiles, chart, bases, chartSources]
    const key = JSON.stringify([target.repository, what])
    const read = async (): Promise<RenderSource> => {
      const find: FindChart = (reference) =>
        slots.run(() => deps.charts.find(reference, signal), signal)
      if (!chart) return sources.read(mirror, commit, target, basesOf(request, bases), find)
      const found = await find(chart)
      return readChartSource(mirror, commit, target, chart.chart, found)
    }
    const reading = shared.sources.get(key) ?? read()
    shared.sources.set(key, reading)
    const source = await reading
    const from = shared.sourceOf(target, source)
    const { base, name } = from
    const { spec } = request.fleet.applications.get(target.application)!
    const bear = shared.bear(JSON.stringify([projectNameOf(spec), target.repository]))
    const making =
      shared.bundles.get(name) ?? makeAfter(shared.making.get(base), from, mirror, bear, signal)
    shared.bundles.set(name, making)
    shared.making.set(base, making)
    return { ...(await making), revision }
  }

  /**
   * Whether it is only what the cluster reported of itself that fails. That is no reason to keep an
   * application from all the others: who takes over one cluster could say anything.
   */
  async function failsAlone(
    request: ContentsRequest,
    target: ResolvedTarget,
    shared: Shared,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { spec } = request.fleet.clusters.get(target.cluster)!
    const { plainVersion: _, ...declared } = knowCluster(spec, undefined)
    const bare = { ...target, ...declared }
    const isReported = bare.served !== target.served || bare.judgedVersion !== target.judgedVersion
    if (!isReported || signal.aborted) return false
    return renderTarget(request, bare, shared, signal).then(
      () => true,
      () => false,
    )
  }

  /** The same source for another cluster: what is made first may be what this one gets. */
  async function makeAfter(
    before: Promise<MadeBundle> | undefined,
    from: BundleSource,
    mirror: Mirror,
    bear: Bear,
    signal: AbortSignal,
  ): Promise<MadeBundle> {
    await before?.catch((error: unknown) => {
      // What never ends is not tried once for each cluster.
      if (isTooSlow(error)) throw error
    })
    const known = bundles.find(from.base, from.input)
    if (known && (await isStored(known.digest))) return known
    return slots.run(async () => {
      const place = await deps.room.enter(signal)
      try {
        return await makeBundle(from, mirror, bear, place, signal)
      } finally {
        place.leave()
      }
    }, signal)
  }

  /** Where bases may be taken of, as far as it has been fetched. */
  function basesOf({ fleet, revisions }: ContentsRequest, names: readonly string[]) {
    return baseRepositories(fleet, names, (name) => {
      const [mirror, revision] = [deps.mirror(name), revisions.get(name)]
      return mirror && revision !== undefined ? { mirror, revision } : undefined
    })
  }

  async function makeBundle(
    { base, source, input, options, judged }: BundleSource,
    mirror: Mirror,
    bear: Bear,
    place: Place,
    signal: AbortSignal,
  ): Promise<MadeBundle> {
    signal.throwIfAborted()
    const files = (): Promise<RenderFiles> =>
      readRenderFiles(mirror, source, deps.mirror, deps.charts)
    const result = await renderPatiently(deps.engine, bear)
      .render(input, files, signal)
      .catch((error: unknown) => Promise.reject(placeFaults(error, source.root)))
    // Once as text, and once as the bytes that are stored.
    place.weigh(2 * result.objects.reduce((sum, { json }) => sum + json.length, 0))
    const objects = result.objects.map((object) => ({
      ...object,
      file: object.file && posix.join(source.root, object.file),
    }))
    const bundle = buildBundle(objects, options)
    const { application } = options
    const content = bundle.manifest.digest
    const violations = judged
      ? await passGate(deps.gate, { application, content, objects, ...judged }, signal)
      : []
    await deps.content.put([...bundle.objects, bundle.manifest])
    const kinds = [...new Set(result.objects.map(({ id }) => kindOf(id)))].sort()
    const size = bundle.manifest.bytes.byteLength
    const notes = result.warnings.slice(0, mostNotes)
    const { fingerprint } = bundle
    const made = { digest: content, size, kinds, violations, notes, fingerprint }
    return bundles.keep(base, input, made, result.asked)
  }

  return {
    render,
    /** After the content store was lost. */
    forget: () => bundles.forget(),
  }
}

function nameTarget({ application, cluster }: Pick<ResolvedTarget, 'application' | 'cluster'>) {
  return JSON.stringify([application, cluster])
}

function isTooSlow(error: unknown): boolean {
  return error instanceof HubError && error.code === 'render_timeout'
}

const passing: ReadonlySet<string> = new Set(['source_unreachable', 'engine_unavailable', 'busy'])

/** Whether a failure may be over without any commit. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof HubError)) return false
  if (passing.has(error.code)) return true
  return (
    error.code === 'policy_denied' &&
    error.faults.some(({ message }) => message.includes(`: ${signatureCheck}: `))
  )
}

function kindOf({ group, kind }: { readonly group: string; readonly kind: string }): string {
  return group === '' ? kind : `${group}/${kind}`
}
