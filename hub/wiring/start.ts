import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry, collectDefaultMetrics } from 'prom-client'
import { loadAdminToken } from '../api/fs.ts'
import { buildServer } from '../api/http.ts'
import { createTokenAuthentication } from '../api/token.ts'
import { readDeletionPolicy } from '../bundle/stored-manifest.ts'
import { listLiveManifests, sweepContent } from '../bundle/sweep.ts'
import { later, repeat } from '../clock.ts'
import type { HubConfig } from '../config.ts'
import { readTokens } from '../fs.ts'
import { createHub } from '../hub.ts'
import { type ChainHead, emptyChain, headOf } from '../ledger/chain.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import { endedBy, listEnrolled } from '../ledger/membership.ts'
import { createLifetime } from '../lifetime.ts'
import type { Log } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { createPipeline } from '../pipeline.ts'
import { createAttesting } from '../render/attest.ts'
import { createRollouts } from '../rollout/advance.ts'
import { createWakeUps } from '../rollout/bullmq.ts'
import { createDeciding } from '../rollout/decide.ts'
import { createRolloutStore } from '../rollout/redis.ts'
import { finalPhases } from '../rollout/rollout.ts'
import { type Known, isStale } from '../status/cluster-view.ts'
import { describeChange } from '../status/event.ts'
import { observeClusters } from '../status/observe.ts'
import { createStatusStore } from '../status/redis.ts'
import { createStatuses } from '../status/statuses.ts'
import { urlOf } from '../source/sources.ts'
import { cannotListen } from '../sync/grpc.ts'
import { createSyncHooks } from '../sync/hooks.ts'
import { createTrustDesk } from '../trust.ts'
import { startListeners } from './listeners.ts'
import { startRendering } from './rendering.ts'
import { openTrust, startSigner } from './signing.ts'
import { openStore } from './store.ts'

const retryMs = 2_000
const storeCheckMs = 1_000
const sweepEveryMs = 30 * 60_000
const sweepAgeMs = 60 * 60_000
const clock = Date.now

export interface RunningHub {
  stop(): Promise<void>
}

/** Starts a whole hub; `version` is what it says of itself. */
export async function startHub(
  config: HubConfig,
  log: Log,
  signal: AbortSignal,
  version: string,
): Promise<RunningHub> {
  const startedAt = clock()
  const report = (level: 'info' | 'warn', message: string, cause?: unknown): void => {
    log[level]({ err: cause }, message)
  }
  await using started = createLifetime(repeat, (err, message) => log.warn({ err }, message))
  const surroundings = { config, log, started, signal, clock, startedAt }

  // 1. What is kept.
  const store = await openStore(surroundings, onEntry)
  const { redis, redisUrl, prefix, events, register } = store

  /** Nobody has a stream before agents are listened to. */
  let cut: (cluster: string, reason: string) => void = () => {}

  function onEntry(entry: LedgerEntry): void {
    const { decision } = entry
    audit = headOf(entry)
    if (decision.type === 'approval.recorded') hooks.noticeAll()
    if (decision.type === 'cluster.enrolled' || decision.type === 'cluster.approved') {
      void pipeline.redecide()
    }
    const ended = endedBy(decision)
    if (ended) cut(ended.cluster, ended.reason)
    if (decision.type === 'rollout.moved' && finalPhases.has(decision.change.phase ?? 'Planned')) {
      // After this entry's own effects: the next rollout may be waiting for this one's end.
      setImmediate(() => void pipeline.redecide())
    }
  }

  let audit: ChainHead = emptyChain
  for await (const entry of register.read(register.head - 1)) audit = headOf(entry)
  const metrics = createMetrics(new Registry())
  collectDefaultMetrics({ register: metrics.registry })
  const signer = await startSigner(surroundings, register.state, metrics)
  const trust = await openTrust(signer)

  // 2. Git to content.
  const { sources, content, contents, openFleet } = await startRendering(surroundings, store, {
    metrics,
    onRevision: (name, revision) => pipeline.onRevision(name, revision),
    settle: () => pipeline.settle(),
  })

  // 3. What agents say, and what moves rollouts.
  const statuses = createStatuses({
    store: createStatusStore(redis, prefix),
    onChange: (next, before) => {
      for (const event of describeChange(before, next)) events.emit(event)
      hooks.onStatus(next, before)
    },
    onError: (err) => log.warn({ err }, 'statuses were not saved; they will be'),
    later,
  })
  await statuses.load(startedAt)
  // Redis may be gone by then, by the same signal; all in it can be rebuilt.
  started.own(statuses, (known) => known.save().catch(() => {}))
  const wake = started.own(
    createWakeUps({
      url: redisUrl,
      fleet: config.fleetName,
      clock,
      log: (message, err) => log.warn({ err }, message),
    }),
    (alarms) => alarms.close().catch(() => {}),
  )
  const rollouts = createRollouts({
    ledger: register,
    store: createRolloutStore(redis, config.fleetName),
    wake,
    observe: async (application, clusters) =>
      observeClusters(statuses.get, application, clusters, startedAt),
    assign: async (assignments) => {
      for (const { cluster } of assignments) hooks.notice(cluster)
    },
    clock,
    log: report,
  })
  started.own(rollouts, (moving) => moving.close())
  const deciding = createDeciding({
    state: register.state,
    rollouts,
    connected: (cluster) => statuses.get(cluster).connection.state === 'Connected',
    describe: (application, revision) => {
      const spec = pipeline.state().fleet?.applications.get(application)?.spec
      return sources.describe(spec?.source.repository ?? 'fleet', revision)
    },
    deletionPolicy: (cluster, manifest) =>
      readDeletionPolicy(content, manifest, () => pipeline.rebuild(cluster)),
    release: (application, reason) =>
      register.append('git', [{ type: 'hold.released', application, reason }]),
    offlineGrace: config.offlineGraceMs,
    clock,
    newId: () => `${startedAt.toString(36)}${randomBytes(4).toString('hex')}`,
  })
  metrics.watchStale(() =>
    listEnrolled(register.state).flatMap(({ cluster }) =>
      isStale(statuses.get(cluster), clock()) ? [cluster] : [],
    ),
  )
  const pipeline = createPipeline({
    path: config.path,
    sources,
    register,
    contents,
    deciding,
    onFleet: () => hooks.noticeAll(),
    log: (level, message, fields) => log[level](fields ?? {}, message),
    attest: createAttesting({ attestor: signer, urlOf: (name) => urlOf(sources, name) }),
    signal,
  })
  const offered = new Map<string, { sequence: number; at: number }>()
  const hooks = createSyncHooks({
    statuses,
    rollouts,
    state: register.state,
    redecide: () => void pipeline.redecide(),
    offered,
    replica: `${process.pid}`,
    clock,
    later,
  })

  // 4. Listen: agents first, so that they are there when rollouts go on.
  const auditHead = () => audit
  const deps = { store, content, pipeline, signer, trust, auditHead, hooks, metrics }
  const { sync, enrolment } = await startListeners(surroundings, deps)
  cut = sync.cut
  const admin = await loadAdminToken(config.data)
  const api = buildServer({
    hub: createHub({
      known: (): Known => ({
        fleet: pipeline.state().fleet,
        state: register.state,
        status: statuses.get,
        offered: (cluster) => offered.get(cluster),
        now: clock(),
      }),
      pipeline,
      sources,
      register,
      rollouts,
      deciding,
      content,
      events,
      enrolAddress: () => `${config.advertise}:${enrolment.port}`,
      caPin: store.authority.pin,
      rootDigest: trust.chain()[0]!.digest,
      webhookSecret: () =>
        config.webhookSecretFile && readFileSync(config.webhookSecretFile, 'utf8').trim(),
      checks: async () => [
        { name: 'redis', ok: redis.status === 'ready' },
        { name: 'fleet', ok: pipeline.state().fleet !== null },
      ],
      clock,
      random: randomBytes,
    }),
    trust: createTrustDesk({
      signer,
      chain: () => trust.chain(),
      refresh: () => trust.refresh(),
      register,
      onChange: () => hooks.noticeAll(),
      clock,
    }),
    authenticate: createTokenAuthentication([
      { token: admin, actor: 'admin', role: 'admin' },
      ...readTokens(config.tokensFile),
    ]),
    log,
    metrics: metrics.registry,
    version,
  })
  started.own(api, (server) => server.close())
  const url = await api
    .listen({ host: config.host, port: config.apiPort })
    .catch((cause: unknown) => Promise.reject(cannotListen(config.host, config.apiPort, cause)))
  // 5. Go on where the ledger says, then with what Git says now.
  await openFleet()
  await rollouts.restore(register.state)
  await pipeline.resume()
  sources.follow('fleet', config.intervalMs)
  started.every(retryMs, async () => hooks.retryUnsigned())
  started.every(storeCheckMs, () => hooks.checkStore(redis, `${prefix}:alive`))
  started.every(sweepEveryMs, () =>
    sweepContent(content, listLiveManifests(register.state), sweepAgeMs),
  )
  const addresses = { api: url, enrol: enrolment.address, data: sync.address }
  log.info({ ...addresses, tokenFile: join(config.data, 'admin-token') }, 'ready')

  const owned = started.move()
  return {
    async stop() {
      await owned[Symbol.asyncDispose]()
    },
  }
}
