import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createAllowance } from '../allowance.ts'
import type { Metrics } from '../metrics.ts'
import type { ContentStore } from '../bundle/content.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { listApprovals } from '../bundle/approval.ts'
import { readEquivocation } from '../bundle/equivocation.ts'
import { createEvidenceFiles } from '../status/fs.ts'
import { findBar } from '../ledger/membership.ts'
import { HubError } from '../errors.ts'
import { type PeersDeps, servePeers } from '../replica/peers/grpc.ts'
import { readReplicaSecret } from '../replica/fs.ts'
import { createSeal } from '../replica/seal.ts'
import type { Restraint } from '../sync/ahead.ts'
import { createChallenges } from '../sync/challenge.ts'
import { createCredentials } from '../sync/credentials.ts'
import { createEnrolment } from '../sync/enrol.ts'
import {
  type SyncListener,
  type SyncListenerDeps,
  compressZstd,
  serveEnrolment,
  serveSync,
} from '../sync/grpc.ts'
import type { SyncHooks } from '../sync/hooks.ts'
import type { Listener } from '../sync/listen/grpc.ts'
import { createFactsTaking } from '../sync/facts.ts'
import { createFreshness } from '../sync/freshness.ts'
import { createRefusalLog } from '../sync/handshake.ts'
import type { Gate } from '../sync/gate.ts'
import { createSlots } from '../slots.ts'
import { createMembers } from '../sync/members.ts'
import { createNeeds } from '../sync/needs.ts'
import { createOffers, type OfferDeps } from '../sync/offer.ts'
import { createPush } from '../sync/push.ts'
import { createRateLimit } from '../sync/rate-limit.ts'
import { createPinStore, createSnapshotStore, createTokenUse } from '../sync/redis.ts'
import { createReceipts } from '../receipt/keep.ts'
import { isOrWasThere } from '../receipt/lines.ts'
import { createServing } from '../sync/serving.ts'
import type { AuditHead, Signer } from '../signer/signer.ts'
import { addressesOf, openCertificate } from './certificate.ts'
import { openGate } from './gate.ts'
import { openResults } from './results.ts'
import type { Trust } from './signing.ts'
import type { Store } from './store.ts'
import { type Surroundings, drainMs } from './surroundings.ts'

/** A token lives a day at most. */
const tokenUseSeconds = 2 * 24 * 3600
/** Enough to share the signer's fsync, few enough that the first agents need not wait for the last. */
const offersAtOnce = 64
/** What an agent sends that is of no use is told of this often. */
const warnEveryMs = 60_000

export interface ListenersDeps {
  readonly store: Store
  readonly content: ContentStore
  readonly fleet: () => Fleet | null
  /** Renders a cluster's assigned content anew. */
  readonly rebuild: (cluster: string) => Promise<void>
  /** What agents told of their clusters is another. */
  readonly onFacts: () => void
  readonly signer: Signer
  readonly trust: Trust
  readonly auditHead: () => AuditHead
  readonly hooks: SyncHooks
  readonly restraint: Restraint
  readonly listTogether: OfferDeps['listTogether']
  /** Whether the ledger still has a line as it was. */
  readonly hasLine: (head: AuditHead) => boolean
  readonly metrics: Metrics
}

export interface Listeners {
  readonly sync: SyncListener
  readonly enrolment: Listener
  /** Takes in what came to replicas that follow; `accept` takes a connection of the API. */
  readonly openToPeers: (accept: PeersDeps['accept']) => Promise<void>
}

/** Where agents come in: one listener to join, one for data. */
export async function startListeners(
  surroundings: Surroundings,
  {
    store,
    content,
    fleet,
    rebuild,
    onFacts,
    signer,
    trust,
    auditHead,
    hooks,
    restraint,
    listTogether,
    hasLine,
    metrics,
  }: ListenersDeps,
): Promise<Listeners> {
  const { config, log, started, clock } = surroundings
  const { redis, prefix, register, authority } = store
  const shown = await openCertificate(surroundings, started, authority)
  const secret = await readReplicaSecret(join(config.shared, 'ca'))
  const credentials = createCredentials({
    fleet: config.fleetName,
    membership: register.state,
    pins: createPinStore(redis, prefix, createSeal(secret, 'pins')),
    authority,
    lock: async ({ cluster, clusterId }, reason) => {
      await register.append('hub', [{ type: 'cluster.locked', cluster, clusterId, reason }])
    },
  })
  const receipts = createReceipts({
    fleet: config.fleetName,
    append: (actor, decisions) => register.append(actor, decisions),
    store: openResults(surroundings, store).store,
    later: (ms, run) => void setTimeout(run, ms).unref(),
    log: (level, message, fields) => log[level](fields, message),
    isKnown: (cluster, application) => isOrWasThere(register.state, cluster, application),
    monotonic: () => performance.now(),
  })
  const mayWarn = createAllowance({
    burst: 1,
    refillMs: warnEveryMs,
    monotonic: () => performance.now(),
  })
  const evidence = createEvidenceFiles(join(config.data, 'evidence'))
  const gateOf = (listener: 'data' | 'enrol'): Gate =>
    openGate(surroundings, listener, (why) => metrics.countTurnedAway(listener, why))
  const onRefused = createRefusalLog(
    (reason, peer, untold) =>
      log.warn({ peer, reason, ...(untold > 0 && { untold }) }, 'a stream was refused'),
    clock,
  )
  const sync = await serveSync(config.host, config.dataPort, shown.now(), authority, {
    ...hooks.session,
    gate: gateOf('data'),
    keyExchange: config.keyExchange,
    ...(config.connectionAgeMs > 0 && { connectionAgeMs: config.connectionAgeMs }),
    identify: (peer) => credentials.identify(peer),
    identity: credentials,
    offerFor: judgeEach(
      register.state,
      () => store.standing.leads(),
      createOffers({
        root: () => trust.newest().root,
        signer,
        store: createSnapshotStore(
          redis,
          prefix,
          config.replica === undefined ? undefined : () => register.state.term,
        ),
        assignments: (cluster) => hooks.assignmentsOf(cluster, fleet()),
        ...(listTogether && { listTogether }),
        restraint,
        ledger: { head: auditHead, has: hasLine },
        approvals: (cluster, list) =>
          listApprovals(register.state, trust.newest().root, cluster, list, clock()),
        onRefused: (cluster, refusal) => hooks.onSignRefused(cluster, refusal),
        clock,
        onSigned: metrics.countSignature,
      }),
    ),
    facts: createFactsTaking({
      state: register.state,
      append: (decisions) => register.append('agent', decisions),
      onChange: onFacts,
      log: (message, fields) => log.warn(fields, message),
      monotonic: () => performance.now(),
      later: (ms, run) => void setTimeout(run, ms).unref(),
    }),
    onReceipt: (enrolment, receipt) => receipts.take(enrolment, receipt),
    onEvidence({ cluster, clusterId }, { accepted, refused }) {
      const found = readEquivocation(accepted, refused, clusterId, trust.chain())
      if (!found) {
        if (mayWarn(cluster)) log.warn({ cluster }, 'an agent sent evidence that proves nothing')
        return
      }
      log.error({ cluster, ...found }, 'two snapshots were signed for one sequence')
      hooks.onEquivocation(cluster, found)
      evidence.keep(cluster, found, [accepted, refused]).catch((err: unknown) => {
        log.warn({ cluster, err }, 'evidence could not be written')
      })
    },
    rootsAfter: (version) => trust.after(version),
    freshnessFor: createFreshness({
      signer,
      auditHead,
      onGiven: (cluster, until) => hooks.onFreshness(cluster, until),
      onFailed: (cluster, err) => log.warn({ cluster, err }, 'no freshness statement was made'),
      monotonic: () => performance.now(),
    }),
    serve: createServing({ content, rebuild }),
    whyTooOld: createNeeds({ content, rebuild }),
    push: createPush({ content, compress: compressZstd }),
    compress: compressZstd,
    clock,
    onRefused,
  })
  started.own(sync, (listener) => listener.close(drainMs))
  const joins = createEnrolment({
    record: createMembers({
      membership: register.state,
      append: (actor, decisions) => register.append(actor, decisions),
      ...createTokenUse(redis, prefix, tokenUseSeconds),
    }),
    authority,
    challenges: createChallenges(randomBytes(32), randomBytes),
    allow: createRateLimit({
      perSecond: config.enrolRate,
      perCaller: Math.max(1, config.enrolRate / 2),
    }),
    root: trust.chain()[0]!.envelope,
    openKey: store.tokenKeys.open,
    dataAddress: () => addressesOf(config.advertise, sync.port),
    clock,
    newId: randomUUID,
  })
  const enrolment = await serveEnrolment(
    ...([config.host, config.enrolPort, shown.now(), authority] as const),
    joins,
    gateOf('enrol'),
  )
  started.own(enrolment, (listener) => listener.close(drainMs))
  shown.showOn(sync, enrolment)

  async function openToPeers(accept: PeersDeps['accept']): Promise<void> {
    if (config.replica === undefined) return
    const peers = await servePeers(config.host, config.peerPort, shown.now(), authority, {
      ...{ fleet: config.fleetName, receive: sync.receive, enrolment: joins, accept, onRefused },
    })
    started.own(peers, (listener) => {
      sync.dismissAll('the hub stops')
      return listener.close(drainMs)
    })
    shown.showOn(peers)
  }
  return { sync, enrolment, openToPeers }
}

/**
 * So many at a time; and when it is its turn, nothing is signed for an identity that counts no
 * longer, however its stream came to live on.
 */
function judgeEach(
  membership: Parameters<typeof findBar>[0],
  leads: () => boolean,
  offerFor: SyncListenerDeps['offerFor'],
): SyncListenerDeps['offerFor'] {
  // A stream looks once at a time, so no more wait than there are streams.
  const slots = createSlots({ most: offersAtOnce })
  return (enrolment, at, known) =>
    slots.run(async () => {
      if (!leads()) throw new HubError('no_leader', 'another replica leads by now')
      const bar = findBar(membership, enrolment)
      if (bar !== undefined) throw new HubError('identity_barred', bar)
      return offerFor(enrolment, at, known)
    })
}
