import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Registry } from 'prom-client'
import { createApiTokens } from '../access/api-tokens.ts'
import { readDashboard } from '../api/dashboard-files.ts'
import { createIdempotencyStore } from '../api/redis.ts'
import { loadAdminToken } from '../api/fs.ts'
import { buildServer } from '../api/http.ts'
import { createApiTokenAuthentication, createTokenAuthentication, firstOf } from '../api/token.ts'
import { later, repeat } from '../clock.ts'
import { createContentStore } from '../bundle/redis.ts'
import type { HubConfig } from '../config.ts'
import { readTokens, refuseNewAuthority, refuseSigningKeys } from '../fs.ts'
import { type ChainHead, emptyChain, headOf } from '../ledger/chain.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import { createHeads, headsLimit } from '../ledger/heads.ts'
import { endedBy, listEnrolled } from '../ledger/membership.ts'
import type { HubErrorCode } from '../errors.ts'
import { createLifetime } from '../lifetime.ts'
import { type Log, leaveOut } from '../log.ts'
import { addProcessMetrics, createMetrics } from '../metrics.ts'
import { judgeRefusal, markAlive } from '../redis.ts'
import { assertSameFleet } from '../replica/redis.ts'
import { serveProbes } from '../roles/http.ts'
import { finalPhases } from '../rollout/rollout.ts'
import { listTouched } from '../status/touched.ts'
import { isStale } from '../status/cluster-view.ts'
import { foldBehind } from '../status/fold.ts'
import { createClusterNews } from '../status/cluster-news.ts'
import { type HubEvent, describeChange } from '../status/event.ts'
import { listEnded } from '../status/ended.ts'
import { createStatusStore } from '../status/redis.ts'
import { createStatuses } from '../status/statuses.ts'
import { cannotListen } from '../sync/listen/grpc.ts'
import { bringsNews, createRestraint, findRunning } from '../sync/ahead.ts'
import { createSyncHooks } from '../sync/hooks.ts'
import { createTrustDesk } from '../trust.ts'
import { addressesOf } from './certificate.ts'
import { openLogin } from './login.ts'
import { startListeners } from './listeners.ts'
import { type Leading, startLeading } from './leading.ts'
import { identifySigner, reachSigner } from './remote-signing.ts'
import { handOverRoots, openTrust, startSigner } from './signing.ts'
import { openPrograms } from './programs.ts'
import { openStore } from './store.ts'
import { type About, describeProcess } from './support.ts'
import { openTracing, traceSigning } from './tracing.ts'
import type { RunningHub } from './surroundings.ts'
import { type WriteWatch, createWriteWatch } from '../write-watch.ts'

const retryMs = 2_000
const storeCheckMs = 1_000
const rootCheckMs = 60 * 60_000
const clock = Date.now

/** Starts a whole hub, or all of it that is not another process; `about` is what it says of itself. */
export async function startHub(
  config: HubConfig,
  all: Log,
  signal: AbortSignal,
  about: About,
): Promise<RunningHub> {
  const startedAt = clock()
  let writes: WriteWatch | undefined
  const log = leaveOut(all, (error) => writes?.hears(error) ?? false)
  await using started = createLifetime(repeat, (err, message) => log.warn({ err }, message))
  const { build } = about
  const away = new Set<HubErrorCode>()
  const run = openPrograms(started, log)
  const surroundings = { config, log, started, signal, clock, startedAt, run, build, away }

  // 1. What is kept.
  refuseNewAuthority(config.data, config.shared)
  if (config.role === 'api') refuseSigningKeys(config.shared)
  const common =
    config.role === 'api' && config.replica !== undefined
      ? { signer: await identifySigner(surroundings) }
      : {}
  const onNews = (event: HubEvent): void => leading?.alerting.onNews(event)
  const store = await openStore(surroundings, onEntry, onNews, common)
  const { redis, prefix, events, register } = store
  writes = createWriteWatch({
    isConnected: () => redis.status === 'ready',
    mark: () => markAlive(redis, prefix, store.authority.origin),
    onLost: () => hooks.writeAgain(),
    isRefusal: judgeRefusal,
    log: all,
    monotonic: () => performance.now(),
  })

  let leading: Leading | undefined
  let enrolAddress = ''
  /** Nobody has a stream before agents are listened to. */
  let cut: (cluster: string, reason: string, but?: string) => void = () => {}

  function onEntry(entry: LedgerEntry): void {
    const { decision } = entry
    noteHead(entry)
    leading?.alerting.onEntry(entry)
    for (const cluster of listTouched(decision)) leading?.summaries.touch(cluster)
    if (decision.type === 'approval.recorded') hooks.noticeAll()
    if (decision.type === 'cluster.enrolled' || decision.type === 'cluster.approved') {
      void leading?.pipeline.redecide()
    }
    const ended = endedBy(decision)
    if (ended) cut(ended.cluster, ended.reason, ended.but)
    const phase = decision.type === 'rollout.moved' ? decision.change.phase : undefined
    if (phase && finalPhases.has(phase)) {
      metrics.countFinished(phase)
      // After this entry's own effects: the next rollout may be waiting for this one's end.
      setImmediate(() => void leading?.pipeline.redecide())
    }
  }

  const heads = createHeads()
  let audit: ChainHead = emptyChain
  function noteHead(entry: LedgerEntry): void {
    audit = headOf(entry)
    heads.note(audit)
  }
  for await (const entry of register.read(Math.max(0, register.head - headsLimit))) noteHead(entry)
  const metrics = createMetrics(new Registry())
  addProcessMetrics(metrics.registry, about.version, config.role)
  const onRefused = metrics.countRefusal
  const trace = openTracing(surroundings, about.version)
  // Nothing is served before the signer is there; whoever looks after this process is told that it lives.
  const closeProbes =
    config.role === 'api' && config.apiPort > 0
      ? await serveProbes(config.host, config.apiPort, { ready: () => false })
      : async () => {}
  const probing = started.own({ close: closeProbes }, (probes) => probes.close())
  const own =
    config.role === 'all'
      ? await startSigner(surroundings, { ledger: register.state, onRefused })
      : undefined
  const signer =
    own ??
    (await reachSigner(surroundings, {
      onRefused,
      onUp: () => void greet(),
      term: config.replica === undefined ? undefined : () => register.state.term,
    }))
  await handOverRoots(signer, register.state, log)
  const trust = await openTrust(signer)
  if (config.replica !== undefined) {
    await assertSameFleet(redis, prefix, { 'root statement': trust.chain()[0]!.digest })
  }
  metrics.watchLeader(() => store.standing.leads())
  metrics.watchRoot(() => {
    const { root, envelope } = trust.newest()
    return { expiresAt: root.expiresAt, bytes: envelope.byteLength }
  })

  /** A signer that was away: it may have been restored, or given another root. */
  async function greet(): Promise<void> {
    try {
      await handOverRoots(signer, register.state, log)
      await trust.refresh()
      hooks.noticeAll()
    } catch (err) {
      log.warn({ err }, 'the signer was there and is away again')
    }
  }

  const content = createContentStore(redis, prefix, clock)

  // 2. What agents say.
  const tellNews = createClusterNews({
    emit: (event) => events.emit(event),
    onFlood: (cluster) => log.warn({ cluster }, 'it makes more news than is told'),
    monotonic: () => performance.now(),
  })
  const statuses = createStatuses({
    store: createStatusStore(redis, prefix),
    onChange: (next, before) => {
      tellNews(next.cluster, describeChange(before, next))
      hooks.onStatus(next, before)
      if (next.sequence !== before.sequence) trace?.accepted(next.cluster, next.sequence)
      for (const end of listEnded(next, before, offered.get(next.cluster), clock())) {
        metrics.countEnded(end)
      }
      leading?.summaries.touch(next.cluster)
    },
    onError: (err) => log.warn({ err }, 'statuses were not saved; they will be'),
    later,
  })
  await statuses.load(startedAt)
  // Redis may be gone by then, by the same signal; all in it can be rebuilt.
  started.own(statuses, (known) => known.save().catch(() => {}))
  metrics.watchStale(() =>
    listEnrolled(register.state).flatMap(({ cluster }) =>
      isStale(statuses.get(cluster), clock()) ? [cluster] : [],
    ),
  )
  const offered = new Map<string, { sequence: number; at: number }>()
  const restraint = createRestraint({
    status: statuses.get,
    wish: (application, cluster) => leading?.pipeline.wish(application, cluster),
    onRestrained(cluster, message) {
      if (statuses.get(cluster).ledgerFault?.message === message) return
      statuses.update(cluster, (status) => foldBehind(status, message))
      if (message === null) log.info({ cluster }, 'the ledger has caught up with what it runs')
      else log.warn({ cluster }, message)
    },
  })
  const hooks = createSyncHooks({
    restraint,
    isKeptFrom: (cluster) => leading?.handovers.isKeptFrom(cluster) ?? false,
    head: () => register.head,
    statuses,
    rollouts: { notice: async (application) => leading?.rollouts.notice(application) },
    state: register.state,
    redecide: async () => leading?.pipeline.redecide(),
    offered,
    replica: config.replica ?? `${process.pid}`,
    digestAt: (index) => heads.digestAt(index),
    countReport: metrics.countReport,
    clock,
    later,
  })

  metrics.watchConnected(hooks.countConnected)

  // 3. What decides: from Git to rollouts.
  leading = await startLeading(surroundings, {
    ...{ store, writes, content, trust, statuses, hooks, offered, metrics, trace },
    attestor: own,
    enrolAddress: () => enrolAddress,
  })
  started.every(storeCheckMs, () => writes.look())

  // 4. Listen: agents first, so that they are there when rollouts go on.
  const { pipeline, hub, handovers } = leading
  const { sync, enrolment, openToPeers } = await startListeners(surroundings, {
    ...{ store, content, trust, hooks, restraint, metrics },
    listTogether(cluster, assigned, holdsNothing) {
      const all = handovers.listSendable(cluster, assigned)
      const status = statuses.get(cluster)
      const isUntold = (name: string) => !holdsNothing && Boolean(status.applications[name]?.digest)
      const runs = (name: string) =>
        findRunning(status, name) ?? (isUntold(name) ? 'untold' : undefined)
      const given = handovers.listTogether(cluster, all, runs)
      if (given === 'wait') return 'wait'
      const isDue = holdsNothing || handovers.isSpared(cluster) || bringsNews(status, given)
      return given === all || isDue ? given : 'wait'
    },
    hasLine: (head) => heads.has(head, register.head),
    signer: trace ? traceSigning(signer, trace, clock) : signer,
    fleet: () => pipeline.state().fleet,
    rebuild: (cluster) => pipeline.rebuild(cluster),
    onFacts: () => void pipeline.evaluate(),
    auditHead: () => audit,
  })
  enrolAddress = addressesOf(config.advertise, enrolment.port)
  cut = sync.cut
  const desk = createTrustDesk({
    signer,
    chain: () => trust.chain(),
    refresh: () => trust.refresh(),
    register,
    onChange: () => hooks.noticeAll(),
    clock,
  })
  const warned = new Set<string>()
  async function warnOfRoot(): Promise<void> {
    for (const { code, message } of desk.warnings()) {
      const name = `${trust.newest().root.version} ${code}`
      if (warned.has(name)) continue
      warned.add(name)
      log.warn({ code }, message)
      events.emit({ type: `trust.${code}`, actor: 'hub', subject: 'trust/root', message })
    }
  }
  const admin = await loadAdminToken(config.shared, (token) => {
    // Not in the log, which is kept and sent on.
    process.stderr.write(`hub: the administrator's token, shown this once: ${token}\n`)
  })
  const tokens = createApiTokens({ register, clock, random: randomBytes })
  const people = openLogin(config.oidcFile, clock)
  const api = buildServer({
    hub,
    tokens,
    trust: desk,
    authenticate: firstOf(
      createTokenAuthentication([
        { token: admin, actor: 'admin', role: 'admin' },
        ...readTokens(config.tokensFile),
      ]),
      createApiTokenAuthentication(tokens),
      people.authenticate,
    ),
    login: people.login,
    idempotency: createIdempotencyStore(redis, prefix),
    log,
    metrics: metrics.registry,
    onAnswered: metrics.countRequest,
    onStreams: (count) => metrics.watchStreams(count),
    version: about.version,
    support: () => describeProcess(about, () => metrics.registry.metrics(), clock),
    dashboard: await readDashboard(fileURLToPath(new URL('../dashboard/dist', import.meta.url))),
  })
  started.own(api, (server) => server.close())
  await probing.close()
  const url = await api
    .listen({ host: config.host, port: config.apiPort })
    .catch((cause: unknown) => Promise.reject(cannotListen(config.host, config.apiPort, cause)))
  await openToPeers((socket) => void api.server.emit('connection', socket))
  await leading.begin()
  await warnOfRoot()
  started.every(rootCheckMs, warnOfRoot)
  started.every(retryMs, async () => hooks.retryUnsigned())
  const addresses = { api: url, enrol: enrolment.address, data: sync.address }
  log.info({ ...addresses, tokenFile: join(config.shared, 'admin-token') }, 'ready')

  const owned = started.move()
  return {
    lost: store.standing.lost,
    async stop() {
      await owned[Symbol.asyncDispose]()
    },
  }
}
