import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ContentStore } from '../bundle/content.ts'
import { takeTurns } from '../clock.ts'
import type { FetchedCharts } from '../check/fetched-charts.ts'
import { createProposals } from '../check/proposals.ts'
import { findViolations } from '../check/violations.ts'
import { HubError } from '../errors.ts'
import { readCredentials, readSigners } from '../fs.ts'
import { createAttesting } from '../render/attest.ts'
import { createCachedEngine, createMemoryRenderStore } from '../render/cache.ts'
import { createContents } from '../render/contents.ts'
import { createFleetFile } from '../fleet/memory/fs.ts'
import { createBundleFile, createRevisionFile } from '../render/fs.ts'
import type { RenderMetrics } from '../render/metrics.ts'
import { createPatience } from '../render/patience.ts'
import { answerBytes, createRenderEngine } from '../render/process.ts'
import { createRoom } from '../render/room.ts'
import type { Renderer } from '../render/renderer.ts'
import { type LocalRenderer, createRenderer } from '../render/rendering.ts'
import type { Attestor } from '../signer/signer.ts'
import { hostOf } from '../source/address.ts'
import { fleetCredential } from '../source/credential.ts'
import { createPickVersion } from '../render/pick-version.ts'
import type { Charts } from '../source/chart/chart.ts'
import { createCharts } from '../source/chart/charts.ts'
import { createRegistrySignatures } from '../source/image/registry.ts'
import { createChartDirectory, readChartAccess } from '../source/chart/fs.ts'
import { createChartGet } from '../source/chart/http.ts'
import { createMirror } from '../source/git.ts'
import { requireGitVersion } from '../source/git-version.ts'
import { readGitVersion } from '../source/remote/git.ts'
import { readSecret } from '../source/secret/http.ts'
import { readKubeAccess } from '../source/secret/kubeconfig.ts'
import { createSources, urlOf } from '../source/sources.ts'
import { createGate } from './policies.ts'
import type { Mirror } from '../source/source.ts'
import type { CommitTrace } from '../trace/commit-trace.ts'
import type { Surroundings } from './surroundings.ts'

const engineMemory = 1024 * 1024 * 1024
const renderTimeout = 90_000
const chartTimeout = 60_000
const chartDirectory = 1024 * 1024 * 1024
const renderCache = 128 * 1024 * 1024

/** A renderer, here or elsewhere, and when it begins. */
export interface Rendering {
  readonly renderer: Renderer
  /** Opens the fleet repository's mirror without following it yet. */
  open(): Promise<void>
  /** Goes on from what the mirrors hold. */
  recall(): Promise<void>
  /** Tells of every revision from now on. */
  follow(): void
}

export interface LocalRendering extends Rendering {
  readonly renderer: LocalRenderer
  /** The signer may know nothing of what it was told. */
  forgetAttested(): void
}

export interface RenderingHooks {
  readonly content: ContentStore
  readonly attestor: Attestor
  /** Whether another hub led since the mirrors here were fetched. */
  readonly inherited?: boolean
  readonly metrics: RenderMetrics
  /** Of where commits are on their way. */
  readonly trace?: CommitTrace | undefined
  readonly onRevision: (name: string, revision: string) => Promise<void>
  /** Resolves when nothing works on what was fetched any more. */
  readonly settle: () => Promise<void>
}

/** From Git to content: mirrors, credentials and the engine. */
export async function startRendering(
  { config, log, started, signal, clock, run, build }: Surroundings,
  { content, attestor, inherited = false, metrics, trace, onRevision, settle }: RenderingHooks,
): Promise<LocalRendering> {
  requireGitVersion(await readGitVersion())
  const workers = await createRenderEngine({
    binary: config.engine ?? process.env['GROUNDSWELL_ENGINE'] ?? '',
    workers: config.workers,
    memoryBytes: engineMemory,
    timeoutMs: renderTimeout,
    directory: join(config.data, 'engine'),
    log: (message, detail) => log.warn(detail, message),
  })
  const engine = metrics.countRenders(workers)
  started.own(engine, (pool) => pool.close())
  const fleetHost = hostOf(config.fleetUrl, config.allowFile)
  const readAll = () => readCredentials(config.credentialsFile, fleetHost)
  const get = createChartGet({
    hosts: { allowed: config.sourceHosts, fleet: fleetHost },
    access: (name) =>
      readChartAccess(name, readAll()[name], async (secret) =>
        readSecret(await readKubeAccess(config.kubeconfig), secret, signal),
      ),
    timeoutMs: chartTimeout,
  })
  const gate = createGate(workers, createRegistrySignatures(get), clock)
  const readAllSigners = () => readSigners(config.signersFile)
  const { fleetSigners } = config
  if (fleetSigners !== undefined && !Object.hasOwn(readAllSigners(), fleetSigners)) {
    throw new HubError(
      'config_invalid',
      `--fleet-signers: ${config.signersFile} has no ${fleetSigners}`,
    )
  }
  const hasFleetCredential = Object.hasOwn(readAll(), fleetCredential)
  const sources = createSources({
    directory: join(config.data, 'mirrors'),
    openMirror: async (spec, directory) => {
      const mirror = await createMirror(spec, {
        directory,
        run,
        credential: (name) => readAll()[name],
        readSecret: async (name, signal) =>
          readSecret(await readKubeAccess(config.kubeconfig), name, signal),
        signers: (name) => readAllSigners()[name],
        hosts: { allowed: config.sourceHosts, fleet: fleetHost },
        allowFile: config.allowFile,
        time: metrics.timeGit,
        log: (message) => log.info({ repository: spec.name }, message),
      })
      return trace ? traceFetches(spec.name, mirror, trace, clock) : mirror
    },
    timing: {
      now: clock,
      random: Math.random,
      sleep: (ms, signal) => wait(ms, undefined, { signal }),
    },
    onRevision: (name, revision) => renderer.onRevision(name, revision),
    onFailure: (name, err) => log.warn({ repository: name, err }, err.message),
    signal,
  })
  started.own(sources, async (all) => {
    await all.close()
    await settle()
  })
  const cached = createCachedEngine(engine, createMemoryRenderStore(renderCache))
  const charts = createCharts({
    get,
    pick: createPickVersion(workers),
    store: createChartDirectory(join(config.data, 'charts'), chartDirectory, clock),
    now: clock,
    log: (message) => log.warn(message),
  })
  const known = limitToUsed(charts)
  const unsigned = createGate(workers, undefined, clock)
  const patience = createPatience(clock)
  const proposals = createProposals({
    path: config.path,
    sources: () => sources.list(),
    ...{ engine: cached, patience, turn: takeTurns },
    charts: known.limited,
    judge: (rendered, own, signal) => findViolations(unsigned, rendered, own, signal),
    loadPolicies: unsigned.load,
  })
  const attesting = createAttesting({ attestor, urlOf: (name) => urlOf(sources, name) })
  const renderer = createRenderer({
    inherited,
    path: config.path,
    sources,
    fleetSigners,
    contents: createContents({
      engine: cached,
      content,
      memory: createBundleFile(join(config.data, 'mirrors', 'bundles.jsonl')),
      mirror: (name) => sources.mirror(name),
      gate,
      charts: known.charts,
      patience,
      room: createRoom((config.workers + 2) * answerBytes, answerBytes),
    }),
    propose: (...proposal) => proposals.propose(...proposal),
    loadPolicies: gate.load,
    attest: attesting.attest,
    lastGood: createRevisionFile(join(config.data, 'mirrors', 'last-good')),
    fleetMemory:
      build === undefined
        ? undefined
        : createFleetFile(join(config.data, 'mirrors', 'last-fleet'), { build, path: config.path }),
    onRevision,
    signal,
    turn: takeTurns,
    log: (level, message, fields) => log[level](fields ?? {}, message),
  })
  return {
    renderer: trace ? traceRenders(renderer, trace, clock) : renderer,
    async open() {
      await sources.open({
        name: 'fleet',
        url: config.fleetUrl,
        ref: { branch: config.branch },
        timeout: 60_000,
        ...(hasFleetCredential ? { credential: fleetCredential } : {}),
        ...(fleetSigners ? { verify: { signers: fleetSigners, object: 'commit' } } : {}),
      })
    },
    recall: () => renderer.recall(),
    follow: () => sources.follow('fleet', config.intervalMs),
    forgetAttested: () => attesting.forget(),
  }
}

/**
 * Charts of the fleet, and those that a change to it may be looked at with: of the same repositories.
 * Nobody's proposal makes the hub call another.
 */
function limitToUsed(charts: Charts): { readonly charts: Charts; readonly limited: FetchedCharts } {
  const used = new Set<string>()
  return {
    charts: {
      read: (chart) => charts.read(chart),
      find(reference, signal) {
        used.add(reference.repo)
        return charts.find(reference, signal)
      },
    },
    limited: {
      read: (chart) => charts.read(chart),
      async find(reference) {
        if (used.has(reference.repo))
          return charts.find(reference, AbortSignal.timeout(chartTimeout))
        const words = `${reference.repo} is no chart repository of the fleet before this is merged`
        throw new HubError('source_unreachable', words)
      },
    },
  }
}

function traceFetches(
  repository: string,
  mirror: Mirror,
  trace: CommitTrace,
  clock: () => number,
): Mirror {
  return {
    ...mirror,
    async fetch(signal) {
      const start = clock()
      const revision = await mirror.fetch(signal)
      trace.fetched(repository, revision, start)
      return revision
    },
  }
}

function traceRenders(
  renderer: LocalRenderer,
  trace: CommitTrace,
  clock: () => number,
): LocalRenderer {
  return {
    ...renderer,
    hint(name) {
      trace.hinted(name)
      return renderer.hint(name)
    },
    async render(revision, signal) {
      const start = clock()
      try {
        const contents = await renderer.render(revision, signal)
        trace.rendered(start, true)
        return contents
      } catch (error) {
        trace.rendered(start, false)
        throw error
      }
    },
  }
}
