import { posix } from 'node:path'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { type BundleOptions, buildBundle } from '../bundle/build.ts'
import { toBundleOptions } from '../bundle/options.ts'
import type { ContentStore } from '../bundle/content.ts'
import { createPresence } from '../bundle/presence.ts'
import { type Fault, HubError } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { toRenderInput } from '../fleet/render-input.ts'
import { baseRepositories } from '../fleet/remote-base.ts'
import { readRenderFiles } from '../fleet/render-files.ts'
import { type RenderSource, readChartSource } from '../fleet/render-source.ts'
import { createRenderSources } from '../fleet/render-sources.ts'
import { type ResolvedTarget, resolveTargets } from '../fleet/resolve.ts'
import { type PolicyGate, passGate } from '../policy/gate.ts'
import { type Case, judgedBy } from '../policy/judge.ts'
import type { PolicySet } from '../policy/load.ts'
import { type Policy, selectPolicies } from '../policy/policy.ts'
import { signatureCheck } from '../policy/signature/unsigned.ts'
import { toViolationFault } from '../policy/violation.ts'
import type { Content } from '../rollout/rollout.ts'
import { type Charts, isExactVersion } from '../source/chart/chart.ts'
import { chartRefreshMs } from '../source/chart/charts.ts'
import type { Mirror } from '../source/source.ts'
import {
  type BundleMemory,
  type MadeBundle,
  mostNotes,
  rememberedBundles,
} from './bundle-memory.ts'
import type { RenderEngine, RenderFiles, RenderInput } from './engine.ts'
import { renderInputDigest } from './input.ts'

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
}

export interface ContentsRequest {
  readonly fleet: Fleet
  /** Repository → `main@sha1:…`; a repository without one cannot be rendered from. */
  readonly revisions: ReadonlyMap<string, string>
  /** Renders only these when given. */
  readonly only?: { readonly application: string; readonly cluster?: string }
}

export interface Contents {
  /** Application → cluster → what it should run. Applications with any fault are left out. */
  readonly applications: ReadonlyMap<string, ReadonlyMap<string, Content>>
  readonly faults: readonly Fault[]
  /** What policies have to say that keeps nothing back. */
  readonly warnings: readonly Fault[]
  /** Clusters that are left as they are, by application: suspended ones. */
  readonly skipped: ReadonlyMap<string, ReadonlySet<string>>
  /**
   * Milliseconds after which it should be looked at again although no commit came: something that
   * is not of Git was away, an image may be signed by then, or a chart have a newer version.
   */
  readonly againMs?: number
  /** Of each manifest in `applications`. */
  readonly origins?: ReadonlyMap<Digest, ContentOrigin>
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

/** What decides a bundle's bytes. */
interface BundleSource {
  readonly mirror: Mirror
  readonly source: RenderSource
  readonly input: RenderInput
  readonly options: BundleOptions
  /** Undefined: it was let through when it was first delivered. */
  readonly judged: Pick<Case, 'policies' | 'kubernetesVersion'> | undefined
}

/** What clusters have in common within one look at the fleet: read, made and stored once for all. */
interface Shared {
  readonly sources: Map<string, Promise<RenderSource>>
  readonly bundles: Map<Digest, Promise<MadeBundle>>
  /** What a bundle is made of, as it happens to be spelled → its digest: most clusters ask the same. */
  readonly keys: Map<string, Digest>
  readonly policies: readonly Policy[]
}

const rendersAtOnce = 16
/** What was away is asked again this soon. */
const awayMs = 30_000

/**
 * A fleet at given revisions → the content of every application on every cluster, rendered,
 * bundled and stored. Clusters whose inputs are the same share one render. An application that
 * fails anywhere fails as a whole, so that no half of it is rolled out.
 */
export function createContents(deps: ContentsDeps) {
  const bundles = new Map<Digest, MadeBundle>()
  const sources = createRenderSources()
  const isStored = createPresence(deps.content)
  let remembering: Promise<void> | undefined

  async function remember(): Promise<void> {
    for (const [key, made] of (await deps.memory?.load()) ?? []) bundles.set(key, made)
  }

  async function render(request: ContentsRequest, signal: AbortSignal): Promise<Contents> {
    await (remembering ??= remember())
    const { only } = request
    const resolution = resolveTargets(request.fleet)
    const targets = resolution.targets.filter(
      ({ application, cluster }) =>
        (!only || only.application === application) && (!only?.cluster || only.cluster === cluster),
    )
    const { policies, warnings: told } = await loadPolicies(request, signal)
    const faults: Fault[] = []
    const warnings: Fault[] = [...told]
    const failed = new Set<string>()
    const applications = new Map<string, Map<string, Content>>()
    const origins = new Map<Digest, ContentOrigin>()
    let againMs = targets.some(({ chart }) => chart && !isExactVersion(chart.version))
      ? chartRefreshMs
      : Infinity
    const shared: Shared = { sources: new Map(), bundles: new Map(), keys: new Map(), policies }
    for (const name of request.fleet.applications.keys()) {
      if (!only || only.application === name) applications.set(name, new Map())
    }
    for (let at = 0; at < targets.length; at += rendersAtOnce) {
      signal.throwIfAborted()
      await Promise.all(
        targets.slice(at, at + rendersAtOnce).map(async (target) => {
          try {
            const { kinds, violations, notes, ...content } = await renderTarget(
              request,
              target,
              shared,
              signal,
            )
            applications.get(target.application)?.set(target.cluster, content)
            const { repository } = target
            warnings.push(...violations.map((one) => placeFault(toViolationFault(one), target)))
            warnings.push(...notes.map((message) => placeFault({ message }, target)))
            const chartRepo = target.chart?.repo
            origins.set(content.digest, {
              ...{ repository, revision: content.revision, kinds },
              ...(chartRepo === undefined ? {} : { chartRepo }),
            })
          } catch (error) {
            failed.add(target.application)
            if (mayPass(error)) againMs = awayMs
            faults.push(...toFaults(error, target))
          }
        }),
      )
    }
    for (const name of failed) applications.delete(name)
    const skipped = new Map<string, Set<string>>()
    for (const { application, cluster, reason } of resolution.skipped) {
      if (reason === 'excluded') continue
      skipped.set(application, (skipped.get(application) ?? new Set()).add(cluster))
    }
    return {
      ...{ applications, skipped, origins },
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
      throw new HubError('source_unreachable', `repository ${target.repository} was not read yet`)
    }
    const { commit } = parseRevision(revision)
    const { path, kind, valuesFiles, chart, bases } = target
    const key = JSON.stringify([target.repository, path, kind, valuesFiles, chart, bases])
    const read = async (): Promise<RenderSource> => {
      if (!chart) return sources.read(mirror, commit, target, basesOf(request, bases))
      const found = await deps.charts.find(chart, signal)
      return readChartSource(mirror, commit, target, chart.chart, found)
    }
    const reading = shared.sources.get(key) ?? read()
    shared.sources.set(key, reading)
    const source = await reading
    const input = toRenderInput(target, source)
    const spec = request.fleet.applications.get(target.application)!.spec
    const options = toBundleOptions(spec, target)
    const judged = request.only ? undefined : judgement(request.fleet, shared.policies, target)
    const by = judged && judgedBy(judged.policies, judged.kubernetesVersion)
    const spelled = JSON.stringify([input, source.root, options, by])
    const bundleKey =
      shared.keys.get(spelled) ??
      digestOf(
        JSON.stringify([renderInputDigest(input, deps.engine.version), source.root, options, by]),
      )
    shared.keys.set(spelled, bundleKey)
    const making =
      shared.bundles.get(bundleKey) ??
      makeBundle(bundleKey, { mirror, source, input, options, judged }, signal)
    shared.bundles.set(bundleKey, making)
    return { ...(await making), revision }
  }

  /** Where bases may be taken of, as far as it has been fetched. */
  function basesOf({ fleet, revisions }: ContentsRequest, names: readonly string[]) {
    return baseRepositories(fleet, names, (name) => {
      const [mirror, revision] = [deps.mirror(name), revisions.get(name)]
      return mirror && revision !== undefined ? { mirror, revision } : undefined
    })
  }

  async function makeBundle(
    bundleKey: Digest,
    { mirror, source, input, options, judged }: BundleSource,
    signal: AbortSignal,
  ): Promise<MadeBundle> {
    const known = bundles.get(bundleKey)
    if (known && (await isStored(known.digest))) return known
    const files = (): Promise<RenderFiles> => readFiles(deps, mirror, source)
    const result = await deps.engine
      .render(input, files, signal)
      .catch((error: unknown) => Promise.reject(placeFaults(error, source.root)))
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
    const made = { digest: content, size, kinds, violations, notes }
    bundles.set(bundleKey, made)
    await deps.memory?.keep(bundleKey, made)
    for (const oldest of bundles.keys()) {
      if (bundles.size <= rememberedBundles) break
      bundles.delete(oldest)
    }
    return made
  }

  return {
    render,
    /** After the content store was lost. */
    forget: () => bundles.clear(),
  }
}

function judgement(fleet: Fleet, policies: readonly Policy[], target: ResolvedTarget) {
  const { kubernetesVersion = '' } = fleet.clusters.get(target.cluster)?.spec ?? {}
  return { policies: selectPolicies(fleet, policies, target), kubernetesVersion }
}

/** Whether a failure may be over without any commit. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof HubError)) return false
  if (error.code === 'source_unreachable' || error.code === 'engine_unavailable') return true
  return (
    error.code === 'policy_denied' &&
    error.faults.some(({ message }) => message.includes(`: ${signatureCheck}: `))
  )
}

function kindOf({ group, kind }: { readonly group: string; readonly kind: string }): string {
  return group === '' ? kind : `${group}/${kind}`
}

async function readFiles(
  { mirror: mirrorOf, charts }: Pick<ContentsDeps, 'mirror' | 'charts'>,
  mirror: Mirror,
  source: RenderSource,
): Promise<RenderFiles> {
  const read = await readRenderFiles(mirror, source, (name) => mirrorOf(name))
  return source.chart ? read.set(source.path, await charts.read(source.chart)) : read
}

/** The engine names files within the tree it was given; people look for them in the repository. */
function placeFaults(error: unknown, root: string): unknown {
  if (!(error instanceof HubError)) return error
  const faults = error.faults.map((fault) =>
    fault.file ? { ...fault, file: posix.join(root, fault.file) } : fault,
  )
  return new HubError(error.code, error.message, { cause: error, faults })
}

function toFaults(error: unknown, target: ResolvedTarget): Fault[] {
  const { message } = error as Error
  const faults = error instanceof HubError && error.faults.length > 0 ? error.faults : [{ message }]
  return faults.map((fault) => placeFault(fault, target))
}

function placeFault(fault: Fault, { application, cluster }: ResolvedTarget): Fault {
  return { object: `Application ${application}`, cluster, ...fault }
}

/** The same fault on many clusters is said once, with the first cluster and how many more. */
function mergeFaults(faults: readonly Fault[]): Fault[] {
  const merged = new Map<string, { fault: Fault; more: number }>()
  for (const fault of faults) {
    const key = JSON.stringify([fault.file, fault.line, fault.object, fault.message])
    const known = merged.get(key)
    if (known) known.more += 1
    else merged.set(key, { fault, more: 0 })
  }
  return [...merged.values()].map(({ fault, more }) =>
    more === 0 ? fault : { ...fault, message: `${fault.message} (and on ${more} more clusters)` },
  )
}
