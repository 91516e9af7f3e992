import { randomBytes } from 'node:crypto'
import { isDiskLow, readWebhookSecrets } from '../fs.ts'
import type { Hub } from '../api/hub.ts'
import type { ContentStore } from '../bundle/content.ts'
import { createManifestObjects } from '../bundle/stored-manifest.ts'
import { listLiveManifests, sweepContent } from '../bundle/sweep.ts'
import { later } from '../clock.ts'
import { listEnrolled } from '../ledger/membership.ts'
import { findDependents } from '../fleet/resolve/dependents.ts'
import { type Summaries, createSummaries } from '../status/summary.ts'
import { createTargets } from '../status/targets.ts'
import { createHub } from '../hub.ts'
import type { Metrics } from '../metrics.ts'
import { type Pipeline, createPipeline } from '../pipeline.ts'
import { type Rollouts, createRollouts } from '../rollout/advance/advance.ts'
import { createRenderMetrics } from '../render/metrics.ts'
import { createWakeUps } from '../rollout/advance/bullmq.ts'
import { createClockJumps, tellJump, tellUnwatched } from '../rollout/advance/clock-jumps.ts'
import { createDeciding } from '../rollout/decide/decide.ts'
import { createRolloutStore } from '../rollout/store/redis.ts'
import { explainClosed } from '../rollout/decide/open-clusters.ts'
import { createHandovers, type Handovers } from '../rollout/handover/handover.ts'
import { createWatched } from '../rollout/watched/redis.ts'
import { createWithhold } from '../rollout/withhold/withhold.ts'
import type { Attestor } from '../signer/signer.ts'
import type { Known } from '../status/cluster-view.ts'
import { describeFault } from '../status/event.ts'
import { createDryRuns } from '../dry-run.ts'
import { findVeto, observeClusters } from '../status/observe.ts'
import type { WriteWatch } from '../write-watch.ts'
import { createOpenChanges } from '../forge/open-changes.ts'
import { createWebhooks } from '../source/webhooks.ts'
import { addFleetMetrics } from '../status/metrics.ts'
import type { Statuses } from '../status/statuses.ts'
import type { SyncHooks } from '../sync/hooks.ts'
import { type Alerting, openAlerting } from './alerting.ts'
import { startCommitStatuses } from './commit-statuses.ts'
import type { CommitTrace } from '../trace/commit-trace.ts'
import { openForges } from './forges.ts'
import { startMeasuring } from './measuring.ts'
import { reachRenderer } from './remote-rendering.ts'
import { startRendering } from './rendering.ts'
import { openResults } from './results.ts'
import type { Trust } from './signing.ts'
import type { Store } from './store.ts'
import type { Surroundings } from './surroundings.ts'

const sweepEveryMs = 30 * 60_000
const sweepAgeMs = 60 * 60_000
const alertSweepMs = 5_000
/** The clock is looked at, and while something is kept from a cluster whether Git was read. */
const confirmEveryMs = 1_000
/** It is written down that somebody watches over rollouts. */
const watchedEveryMs = 5_000

export interface LeadingDeps {
  readonly store: Store
  readonly writes: Pick<WriteWatch, 'takesNothing'>
  readonly content: ContentStore
  /** Of a hub that renders by itself. */
  readonly attestor: Attestor | undefined
  readonly trust: Trust
  readonly statuses: Statuses
  readonly hooks: SyncHooks
  readonly offered: ReadonlyMap<string, { sequence: number; at: number }>
  readonly metrics: Metrics
  readonly trace: CommitTrace | undefined
  readonly enrolAddress: () => string
}

/** All that decides: what only one hub of a fleet does at a time. */
export interface Leading {
  readonly pipeline: Pipeline
  readonly rollouts: Rollouts
  readonly handovers: Handovers
  readonly hub: Hub
  readonly summaries: Summaries
  readonly alerting: Alerting
  /** Goes on where the ledger says, then with what Git says now. */
  begin(): Promise<void>
}

/** Puts together what decides. Nothing moves before `begin`; `started` ends it. */
export async function startLeading(
  surroundings: Surroundings,
  deps: LeadingDeps,
): Promise<Leading> {
  const { config, log, started, signal, clock } = surroundings
  const { store, writes, content, attestor, trust, statuses, hooks, offered, metrics, trace } = deps
  const { redis, redisUrl, events, register } = store
  const since = clock()
  let [heardSince, begunAt] = [since, since]
  const monotonic = (): number => performance.now()
  const jumps = createClockJumps({
    clock,
    monotonic,
    onJump(by) {
      heardSince = clock()
      begunAt += Math.min(0, by)
      log.warn(tellJump(by))
    },
  })
  const watched = createWatched(redis, store.prefix)
  const { ahead } = store.standing
  const unwatched = since - ((await watched.until()) ?? since)
  if (jumps.inherit(register.state.plans.values(), Math.max(ahead, unwatched))) {
    log.warn({ ahead, unwatched }, tellUnwatched(ahead, unwatched))
  }

  const findFaults = async (): Promise<ReadonlySet<string>> =>
    new Set([
      ...store.faults,
      ...surroundings.away,
      ...(writes.takesNothing() ? ['redis_unwritable'] : []),
      ...((await isDiskLow(config.data)) ? ['disk_low'] : []),
    ])

  const news = {
    onRevision(name: string, revision: string) {
      trace?.heard(revision)
      return pipeline.onRevision(name, revision)
    },
    settle: () => pipeline.settle(),
  }
  const rendering = attestor
    ? await startRendering(surroundings, {
        ...{ ...news, content, attestor, inherited: store.standing.inherited },
        metrics: createRenderMetrics(metrics.registry),
        trace,
      })
    : reachRenderer(surroundings, news)
  const { renderer } = rendering
  const wake = started.own(
    createWakeUps({
      url: redisUrl,
      fleet: config.fleetName,
      clock,
      log: (message, err) => log.warn({ err }, message),
    }),
    (alarms) => alarms.close().catch(() => {}),
  )
  const withhold = createWithhold(
    () => pipeline.state().fleet,
    register.state,
    (application) => deciding.last.dependsOn(application),
    (application, cluster) => pipeline.desired(application, cluster),
  )
  const handovers = createHandovers({
    state: register.state,
    isFree: (application, cluster) =>
      withhold(application, cluster, clock()) === null &&
      findVeto(statuses.get(cluster).holds, application) === null,
    settledAt: () => deciding.settledAt(),
    leavesAt: (application, cluster) => deciding.leavesAt(application, cluster),
    desired: (application, cluster) => pipeline.desired(application, cluster),
    released: (cluster) => hooks.notice(cluster),
  })
  const dependents = memoize(
    () => pipeline.state().fleet,
    (fleet) => (fleet ? findDependents(fleet) : new Map<string, readonly string[]>()),
  )
  const rollouts = createRollouts({
    ledger: register,
    state: register.state,
    store: createRolloutStore(redis, config.fleetName),
    wake,
    observe: async (application, clusters) => {
      const now = clock()
      const { fleet } = pipeline.state()
      const handover = handovers.look(application)
      const ruled = (cluster: string) => ({
        withheld: withhold(application, cluster, now) ?? handover.withheld(cluster),
        awaits: handover.awaits(cluster),
        ...(!handovers.isSettled() && { unsettled: true as const }),
        ...(fleet && { closed: explainClosed(fleet, register.state, cluster) }),
      })
      return observeClusters(statuses.get, application, clusters, { heardSince, now }, ruled)
    },
    moved: (application) => {
      const others = dependents().get(application) ?? []
      for (const other of new Set([...others, ...handovers.listTakers(application)])) {
        rollouts
          .notice(other)
          .catch((err: unknown) => log.warn({ err }, `${other} was not looked at`))
      }
    },
    measure: startMeasuring(surroundings, {
      state: register.state,
      status: statuses.get,
      fleet: () => pipeline.state().fleet,
      heardBy: () => heardSince + config.offlineGraceMs,
    }),
    assign: async (assignments) => {
      for (const { cluster } of assignments) hooks.notice(cluster)
    },
    ...{ clock, monotonic, jumps },
    log: (level, message, err) => log[level]({ err }, message),
  })
  started.own(rollouts, (moving) => moving.close())
  const objectsOf = createManifestObjects(content)
  const deciding = createDeciding({
    state: register.state,
    rollouts,
    vetoed: (cluster, application) => findVeto(statuses.get(cluster).holds, application) !== null,
    connected: (cluster) => statuses.get(cluster).connection.state === 'Connected',
    describe: (application, revision) => {
      const spec = pipeline.state().fleet?.applications.get(application)?.spec
      return renderer.describe(spec?.source.repository ?? 'fleet', revision)
    },
    authors: (request) => renderer.authors(request),
    objectsOf: (cluster, manifest) => objectsOf(manifest, () => pipeline.rebuild(cluster)),
    record: (decision) => register.append('git', [decision]),
    offlineGrace: config.offlineGraceMs,
    removalGrace: config.removalGraceMs,
    later,
    redecide: () => void pipeline.redecide(),
    ...{ clock, monotonic },
    newId: () => `${since.toString(36)}${randomBytes(4).toString('hex')}`,
  })
  const pipeline = createPipeline({
    renderer,
    register,
    deciding,
    onFleet: () => {
      summaries.touchAll()
      hooks.noticeAll()
    },
    onDecided: () => handovers.noteDecided(),
    onFault: (kind, fault) => events.emit(describeFault(kind, fault)),
    since: () => begunAt,
    log: (level, message, fields) => log[level](fields ?? {}, message),
    time: metrics.timeRound,
    later,
    signal,
  })
  const known = (): Known => ({
    fleet: pipeline.state().fleet,
    state: register.state,
    status: statuses.get,
    offered: (cluster) => offered.get(cluster),
    now: clock(),
  })
  const targets = createTargets(known, () => pipeline.state().contents)
  const summaries = createSummaries(known, targets)
  const alerting = await openAlerting(surroundings, {
    ...{ redisUrl, register },
    fleet: () => pipeline.state().fleet,
    tell: (event) => events.emit(event),
  })
  const forges = openForges(surroundings)
  const fleetForge = forges.shown.get('fleet')
  const hub = createHub({
    known,
    summaries,
    targets,
    pipeline,
    renderer,
    register,
    rollouts,
    deciding,
    content,
    events,
    receiptResults: openResults(surroundings, store).read,
    dryRun: createDryRuns({
      fleet: () => pipeline.state().fleet,
      ask: (...question) => hooks.dryRun(...question),
      newId: () => randomBytes(8).toString('hex'),
      timeout: (ms) => AbortSignal.timeout(ms),
    }),
    proposed: fleetForge && {
      host: fleetForge.kind,
      branch: config.branch,
      ...createOpenChanges({
        ...{ forge: fleetForge, clock },
        timeout: (ms) => AbortSignal.timeout(ms),
      }),
    },
    enrolAddress: deps.enrolAddress,
    authorities: () => store.authority.list(),
    rootDigest: trust.chain()[0]!.digest,
    closeKey: store.tokenKeys.close,
    webhook: createWebhooks({
      secretsOf: (name) =>
        readWebhookSecrets(name, {
          file: config.webhookSecretFile,
          directory: config.webhookSecrets,
        }),
      hint: (name) => renderer.hint(name),
      log: (message) => log.warn(message),
      now: clock,
    }),
    checks: async () => [
      { name: 'redis', ok: redis.status === 'ready' },
      { name: 'fleet', ok: pipeline.state().fleet !== null },
    ],
    warnings: async () => [...(await findFaults())],
    clock,
    timeout: (ms) => AbortSignal.timeout(ms),
    random: randomBytes,
  })

  addFleetMetrics(metrics.registry, {
    summary: () => summaries.read(),
    applications: () => summaries.applications(),
    projectOf: (application) =>
      pipeline.state().fleet?.applications.get(application)?.spec.project ?? '',
    connections: () =>
      listEnrolled(register.state).map(({ cluster }) => ({
        cluster,
        connected: statuses.get(cluster).connection.state === 'Connected',
      })),
    // A renderer that is away says nothing; its absence shows in what it would have said.
    sources: () => renderer.list().catch(() => []),
    configuration() {
      const { refused, faults, warnings } = pipeline.state()
      const counts = { faults: faults.length, warnings: warnings.length }
      return { refused: refused !== null, ...counts }
    },
    ledgerEntries: () => register.head,
    faults: findFaults,
  })

  return {
    pipeline,
    rollouts,
    handovers,
    hub,
    summaries,
    alerting,
    async begin() {
      await rendering.open()
      await rollouts.restore()
      // What was not watched is told to all rollouts by now.
      const note = (): Promise<void> => watched.note(clock())
      await note()
      started.every(watchedEveryMs, note)
      started.own(note, (last) => last())
      await rendering.recall()
      await pipeline.resume()
      rendering.follow()
      startCommitStatuses(surroundings, {
        ...{ forges, register },
        fleet: () => pipeline.state().fleet,
        since: () => begunAt,
        tell: (event) => events.emit(event),
      })
      alerting.begin()
      started.every(alertSweepMs, () => alerting.sweep())
      started.every(confirmEveryMs, async () => {
        jumps.notice()
        if (hooks.countRestrained() > 0 && (await pipeline.confirm())) hooks.noticeRestrained()
      })
      started.every(sweepEveryMs, () =>
        sweepContent(content, listLiveManifests(register.state), sweepAgeMs),
      )
    },
  }
}

/** Works a value out anew only when what it is made of is another. */
function memoize<T, R>(read: () => T, make: (from: T) => R): () => R {
  let known: { from: T; made: R } | undefined
  return () => {
    const from = read()
    if (!known || known.from !== from) known = { from, made: make(from) }
    return known.made
  }
}
