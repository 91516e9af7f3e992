import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SettingsError, describeSettings, explainSettings } from '@groundswell/proto/settings.ts'
import { Registry, collectDefaultMetrics } from 'prom-client'
import { loadAdminToken } from './api/fs.ts'
import { buildServer } from './api/http.ts'
import { loadFleetTrust } from './bundle/fs.ts'
import { createContentStore } from './bundle/redis.ts'
import { readDeletionPolicy } from './bundle/stored-manifest.ts'
import { listLiveManifests, sweepContent } from './bundle/sweep.ts'
import { later, repeat } from './clock.ts'
import { type HubConfig, environmentPrefix, settingsTable } from './config.ts'
import { HubError, formatFault } from './errors.ts'
import { createHub } from './hub.ts'
import { openLedger } from './ledger/git.ts'
import { openRegister } from './ledger/register.ts'
import { listEnrolled } from './ledger/replay.ts'
import { lockDirectory, readConfig, readCredentials, readTokens } from './fs.ts'
import { createLifetime } from './lifetime.ts'
import { type Log, createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createPipeline } from './pipeline.ts'
import { createTokenAuthentication } from './api/token.ts'
import { assertNoEviction, connectRedis } from './redis.ts'
import { startLocalRedis } from './redis-server.ts'
import { createCachedEngine, createMemoryRenderStore } from './render/cache.ts'
import { createContents } from './render/contents.ts'
import { createRenderEngine } from './render/process.ts'
import { createRollouts } from './rollout/advance.ts'
import { createWakeUps } from './rollout/bullmq.ts'
import { createDeciding } from './rollout/decide.ts'
import { createRolloutStore } from './rollout/redis.ts'
import { finalPhases } from './rollout/rollout.ts'
import { createMirror } from './source/git.ts'
import { createSources } from './source/sources.ts'
import type { Known } from './status/cluster-view.ts'
import { describeChange, describeEntry } from './status/event.ts'
import { observeClusters } from './status/observe.ts'
import { createEventLog } from './status/redis-events.ts'
import { createStatusStore } from './status/redis.ts'
import { createStatuses } from './status/statuses.ts'
import { createSyncHooks } from './sync/hooks.ts'
import { createEnrolment } from './sync/enrol.ts'
import { cannotListen, compressZstd, serveEnrolment, serveSync } from './sync/grpc.ts'
import { identify } from './sync/identity.ts'
import { createOffers } from './sync/offer.ts'
import { createSnapshotStore } from './sync/redis.ts'
import { createServing } from './sync/serving.ts'
import { loadAuthority } from './sync/x509.ts'

/* Wires the hub: configuration → adapters → stories → listen → drain on a signal. */

const { version } = JSON.parse(
  readFileSync(new URL('./package.json', import.meta.url), 'utf8'),
) as { version: string }

const engineMemory = 1024 * 1024 * 1024
const renderTimeout = 90_000
const renderCache = 128 * 1024 * 1024
const drainMs = 5_000
const storeCheckMs = 1_000
const sweepEveryMs = 30 * 60_000
const sweepAgeMs = 60 * 60_000
const clock = Date.now

interface Hub {
  stop(): Promise<void>
}

async function startHub(config: HubConfig, log: Log, signal: AbortSignal): Promise<Hub> {
  const startedAt = clock()
  const report = (level: 'info' | 'warn', message: string, cause?: unknown): void => {
    log[level]({ err: cause }, message)
  }

  await using started = createLifetime(repeat, (err, message) => log.warn({ err }, message))

  // 1. One hub to a directory; then Redis: what can be rebuilt.
  started.own(await lockDirectory(config.data), (unlock) => unlock())
  const local = config.redisUrl
    ? undefined
    : started.own(
        await startLocalRedis(
          join(config.data, 'redis'),
          (code) => log.warn({ code }, 'the local Redis ended; it is started again'),
          signal,
        ),
        (server) => server.close(),
      )
  const redisUrl = config.redisUrl ?? local!.url
  const redis = started.own(
    await connectRedis(redisUrl, (message, err) => log.warn({ err }, message)),
    (connection) => connection.disconnect(),
  )
  await assertNoEviction(redis)
  const prefix = `gs:{${config.fleetName}}`

  // 2. What must never be lost: keys and the ledger.
  const keys = join(config.data, 'keys')
  const { snapshotKey, root } = await loadFleetTrust(keys, config.fleetName, startedAt)
  const authority = await loadAuthority(join(config.data, 'ca'), config.fleetName, clock)
  const events = createEventLog(redis, prefix, (err) => log.debug({ err }, 'an event was not kept'))
  const ledger = await openLedger(join(config.data, 'ledger'), {
    clock,
    author: { name: 'Groundswell', email: `groundswell@${config.fleetName}` },
    ...(config.ledgerRemote === undefined ? {} : { remote: config.ledgerRemote }),
    log: report,
  })
  started.own(ledger, (open) => open.close())
  const register = await openRegister(ledger, (entry) => {
    events.emit(describeEntry(entry), 'decision')
    const { decision } = entry
    if (decision.type === 'cluster.enrolled') void pipeline.redecide()
    if (decision.type === 'rollout.moved' && finalPhases.has(decision.change.phase ?? 'Planned')) {
      // After this entry's own effects: the next rollout may be waiting for this one's end.
      setImmediate(() => void pipeline.redecide())
    }
  })

  // 3. Git to content.
  const metrics = createMetrics(new Registry())
  collectDefaultMetrics({ register: metrics.registry })
  const engine = metrics.countRenders(
    await createRenderEngine({
      binary: config.engine ?? process.env['GROUNDSWELL_ENGINE'] ?? '',
      workers: config.workers,
      memoryBytes: engineMemory,
      timeoutMs: renderTimeout,
      directory: join(config.data, 'engine'),
      log: (message, detail) => log.warn(detail, message),
    }),
  )
  started.own(engine, (pool) => pool.close())
  const content = createContentStore(redis, prefix, clock)
  const credentials = readCredentials(config.credentialsFile)
  const sources = createSources({
    directory: join(config.data, 'mirrors'),
    openMirror: (spec, directory) =>
      createMirror(spec, {
        directory,
        credentials,
        allowFile: config.allowFile,
        log: (message) => log.info({ repository: spec.name }, message),
      }),
    timing: {
      now: clock,
      random: Math.random,
      sleep: (ms, signal) => wait(ms, undefined, { signal }),
    },
    onRevision: (name, revision) => pipeline.onRevision(name, revision),
    onFailure: (name, err) => log.warn({ repository: name, err }, err.message),
    signal,
  })
  started.own(sources, async (all) => {
    await all.close()
    await pipeline.settle()
  })
  const contents = createContents({
    engine: createCachedEngine(engine, createMemoryRenderStore(renderCache)),
    content,
    mirror: (name) => sources.mirror(name),
  })

  // 4. What agents say, and what moves rollouts.
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
  const pipeline = createPipeline({
    path: config.path,
    sources,
    register,
    contents,
    deciding,
    onFleet: () => hooks.noticeAll(),
    log: (level, message, fields) => log[level](fields ?? {}, message),
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

  // 5. Listen: agents first, so that they are there when rollouts go on.
  const certificate = await authority.serve([
    ...new Set(['groundswell-hub', 'localhost', config.advertise]),
  ])
  const sync = await serveSync(config.host, config.dataPort, certificate, authority, {
    ...hooks.session,
    identify: (peer) => identify(peer, config.fleetName, listEnrolled(register.state)),
    offerFor: createOffers({
      fleet: config.fleetName,
      epoch: root.root.epoch,
      keys: [snapshotKey],
      store: createSnapshotStore(redis, prefix),
      assignments: (cluster) => hooks.assignmentsOf(cluster, pipeline.state().fleet),
      clock,
      onSigned: metrics.countSignature,
    }),
    serve: createServing({ content, rebuild: (cluster) => pipeline.rebuild(cluster) }),
    compress: compressZstd,
    clock,
    onRefused: (reason, peer) => log.warn({ peer, reason }, 'a stream was refused'),
  })
  started.own(sync, (listener) => listener.close(drainMs))
  const enrolment = await serveEnrolment(
    config.host,
    config.enrolPort,
    certificate,
    authority,
    createEnrolment({
      record: {
        token: (id) => register.state.tokens.get(id),
        enrolments: () => listEnrolled(register.state),
        enrol: async (tokenId, enrolment) => {
          if (!register.state.tokens.delete(tokenId)) return false
          await register.append(`agent/${enrolment.cluster}`, [
            { type: 'cluster.enrolled', enrolment, tokenId },
          ])
          return true
        },
      },
      authority,
      root: root.envelope,
      dataAddress: () => `${config.advertise}:${sync.port}`,
      clock,
      random: randomBytes,
      newId: randomUUID,
    }),
  )
  started.own(enrolment, (listener) => listener.close(drainMs))
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
      cut: sync.cut,
      enrolAddress: () => `${config.advertise}:${enrolment.port}`,
      caPin: authority.pin,
      rootDigest: root.digest,
      webhookSecret: () =>
        config.webhookSecretFile && readFileSync(config.webhookSecretFile, 'utf8').trim(),
      checks: async () => [
        { name: 'redis', ok: redis.status === 'ready' },
        { name: 'fleet', ok: pipeline.state().fleet !== null },
      ],
      clock,
      random: randomBytes,
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

  // 6. Go on where the ledger says, then with what Git says now.
  await sources.open({
    name: 'fleet',
    url: config.fleetUrl,
    ref: { branch: config.branch },
    timeout: 60_000,
    ...(credentials['fleet'] ? { credential: 'fleet' } : {}),
  })
  await rollouts.restore(register.state)
  await pipeline.resume()
  sources.follow('fleet', config.intervalMs)
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

async function main(): Promise<void> {
  const found = readConfig(process.argv.slice(2), process.env, homedir())
  if (!found) {
    process.stdout.write('hub: renders a fleet from Git and rolls it out to its clusters\n\n')
    process.stdout.write(`${describeSettings(settingsTable, environmentPrefix)}\n`)
    return
  }
  const { config, settings } = found
  const log = createLog(config.logLevel)
  log.info(explainSettings(settingsTable, settings), 'configuration')
  const stopping = new AbortController()
  const asked = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        stopping.abort()
        resolve(name)
      })
    }
  })
  const starting = startHub(config, log, stopping.signal)
  const started = await Promise.race([starting, asked])
  log.info({ signal: await asked }, 'draining')
  // One that was still starting may wait for what the same signal has ended: not for ever.
  const patience = wait(drainMs).then(() => undefined)
  const hub = typeof started === 'string' ? await Promise.race([starting, patience]) : started
  await hub?.stop()
  // Nothing is left that could be waited for; sockets of clients would hold the process open.
  process.exit(0)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof HubError) && !(error instanceof SettingsError)) throw error
  const faults = error instanceof HubError ? error.faults.map(formatFault) : []
  process.stderr.write(`hub: ${faults.length > 0 ? faults.join('\n') : error.message}\n`)
  process.exit(1)
}
