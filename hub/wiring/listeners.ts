import { randomBytes, randomUUID } from 'node:crypto'
import type { Metrics } from '../metrics.ts'
import type { Pipeline } from '../pipeline.ts'
import { listApprovals } from '../bundle/approval.ts'
import { listEnrolled } from '../ledger/replay.ts'
import { createEnrolment } from '../sync/enrol.ts'
import {
  type Listener,
  type SyncListener,
  compressZstd,
  serveEnrolment,
  serveSync,
} from '../sync/grpc.ts'
import type { createSyncHooks } from '../sync/hooks.ts'
import { identify } from '../sync/identity.ts'
import { createFreshness } from '../sync/freshness.ts'
import { createOffers } from '../sync/offer.ts'
import { createSnapshotStore } from '../sync/redis.ts'
import { createServing } from '../sync/serving.ts'
import type { AuditHead, Signer } from '../signer/signer.ts'
import type { Rendering } from './rendering.ts'
import type { Trust } from './signing.ts'
import type { Store } from './store.ts'
import { type Surroundings, drainMs } from './surroundings.ts'

export interface ListenersDeps {
  readonly store: Store
  readonly content: Rendering['content']
  readonly pipeline: Pipeline
  readonly signer: Signer
  readonly trust: Trust
  readonly auditHead: () => AuditHead
  readonly hooks: ReturnType<typeof createSyncHooks>
  readonly metrics: Metrics
}

/** Where agents come in: one listener to join, one for data. */
export async function startListeners(
  { config, log, started, clock }: Surroundings,
  { store, content, pipeline, signer, trust, auditHead, hooks, metrics }: ListenersDeps,
): Promise<{ readonly sync: SyncListener; readonly enrolment: Listener }> {
  const { redis, prefix, register, authority } = store
  const certificate = await authority.serve([
    ...new Set(['groundswell-hub', 'localhost', config.advertise]),
  ])
  const sync = await serveSync(config.host, config.dataPort, certificate, authority, {
    ...hooks.session,
    identify: (peer) => identify(peer, config.fleetName, listEnrolled(register.state)),
    offerFor: createOffers({
      root: () => trust.newest().root,
      signer,
      store: createSnapshotStore(redis, prefix),
      assignments: (cluster) => hooks.assignmentsOf(cluster, pipeline.state().fleet),
      approvals: (cluster, list) =>
        listApprovals(register.state, trust.newest().root, cluster, list, clock()),
      onRefused: (cluster, refusal) => hooks.onSignRefused(cluster, refusal),
      clock,
      onSigned: metrics.countSignature,
    }),
    rootsAfter: (version) => trust.after(version),
    freshnessFor: createFreshness({
      signer,
      auditHead,
      onGiven: (cluster, until) => hooks.onFreshness(cluster, until),
      onFailed: (cluster, err) => log.warn({ cluster, err }, 'no freshness statement was made'),
      clock,
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
      root: trust.chain()[0]!.envelope,
      dataAddress: () => `${config.advertise}:${sync.port}`,
      clock,
      random: randomBytes,
      newId: randomUUID,
    }),
  )
  started.own(enrolment, (listener) => listener.close(drainMs))
  return { sync, enrolment }
}
