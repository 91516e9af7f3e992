import { randomBytes, randomUUID } from 'node:crypto'
import { formatJoinToken, secretKey } from '@groundswell/proto/enrol.ts'
import { createAgent } from '../../agent/agent.ts'
import { systemClock } from '../../agent/cluster/clock.ts'
import { claim } from '../../agent/link/claim.ts'
import { createCredentials } from '../../agent/link/credentials.ts'
import { type Enrolled, enrol } from '../../agent/link/enrol.ts'
import { decompressZstd, dial, dialEnrolment } from '../../agent/link/grpc.ts'
import type { StoredIdentity } from '../../agent/link/identity.ts'
import { createAgentKey, createCertificateKey } from '../../agent/link/x509.ts'
import { loadSigningKey } from '../../hub/bundle/fs.ts'
import { signFirstRoot } from '../../hub/bundle/root.ts'
import { repeat } from '../../hub/clock.ts'
import type { Decision, JoinTokenRecord } from '../../hub/ledger/entry.ts'
import {
  emptyMembership,
  endedBy,
  foldMembership,
  type MembershipDecision,
} from '../../hub/ledger/membership.ts'
import { createChallenges } from '../../hub/sync/challenge.ts'
import { createCredentials as createHubCredentials } from '../../hub/sync/credentials.ts'
import { createEnrolment } from '../../hub/sync/enrol.ts'
import { compressZstd, serveEnrolment, serveSync } from '../../hub/sync/grpc.ts'
import { createMembers } from '../../hub/sync/members.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { createMemoryCache, createMemoryPins, createMemoryTrust } from './memory-stores.ts'
import { createTempDir } from './temp-dir.ts'

export const clusterUid = '6f0f2c26-0000-4000-8000-000000000001'

/** A hub's two real listeners over a ledger and pins in memory, and agents that use them. */
export async function createIdentityWorld(lifeMs: number, ca?: { lifeMs: number; ageMs: number }) {
  const directory = await createTempDir('identity')
  const loadCa = (clock: () => number) =>
    loadAuthority(`${directory.path}/ca`, 'test', clock, lifeMs, ca?.lifeMs)
  // The first authority is as old as was asked for.
  if (ca) await loadCa(() => Date.now() - ca.ageMs)
  const authority = await loadCa(Date.now)
  const root = await signFirstRoot(
    'test',
    {
      root: await loadSigningKey(directory.path, 'root'),
      snapshot: await loadSigningKey(directory.path, 'snapshot'),
      freshness: await loadSigningKey(directory.path, 'freshness'),
    },
    Date.now(),
  )
  const membership = emptyMembership()
  const decisions: Decision[] = []
  const connected: { cluster: string; generation: number }[] = []
  const live = new Set<unknown>()
  const refused: string[] = []
  const refusedPeers: string[] = []
  const pins = createMemoryPins()
  /** Agents end with the world, also when a test fails. */
  const stop = new AbortController()

  async function append(_: string, made: readonly Decision[]): Promise<void> {
    for (const decision of made) {
      foldMembership(membership, decision as MembershipDecision, Date.now())
      decisions.push(decision)
      const ended = endedBy(decision)
      if (ended) sync.cut(ended.cluster, ended.reason, ended.but)
    }
  }

  const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
  const credentials = createHubCredentials({
    fleet: 'test',
    membership,
    pins,
    authority,
    lock: async ({ cluster, clusterId }, reason) =>
      append('hub', [{ type: 'cluster.locked', cluster, clusterId, reason }]),
  })
  const sync = await serveSync('127.0.0.1', 0, certificate, authority, {
    identify: (peer) => credentials.identify(peer),
    identity: credentials,
    offerFor: async () => ({ offer: null, current: null }),
    serve: async () => ({ blobs: [], missing: [] }),
    compress: compressZstd,
    heartbeatSeconds: 1,
    reconnectWindowSeconds: () => 0,
    onConnected: (_, session) => live.add(session),
    onDisconnected: (_, session) => live.delete(session),
    onRefused(reason, peer) {
      refused.push(reason)
      refusedPeers.push(peer)
    },
    clock: Date.now,
    onHello: (cluster, hello) =>
      connected.push({ cluster, generation: Number(hello.certificateGeneration) }),
    onHeartbeat: () => {},
    onOffered: () => {},
    onReport: () => {},
    onVerdict: () => {},
  })
  const enrolment = await serveEnrolment(
    '127.0.0.1',
    0,
    certificate,
    authority,
    createEnrolment({
      record: createMembers({
        membership,
        append,
        take: async () => true,
        giveBack: async () => {},
      }),
      authority,
      challenges: createChallenges(randomBytes(32), randomBytes),
      allow: () => true,
      root: root.envelope,
      dataAddress: () => sync.address,
      clock: Date.now,
      newId: randomUUID,
    }),
  )

  function makeToken(cluster: string, rest: Partial<JoinTokenRecord> = {}): string {
    const tokenId = randomBytes(5).toString('hex')
    const secret = randomBytes(16).toString('base64url')
    const key = secretKey(secret).toString('hex')
    const expiresAt = Date.now() + 60_000
    membership.tokens.set(tokenId, { tokenId, cluster, key, expiresAt, preApproved: true, ...rest })
    const { pin: caPin } = authority
    return formatJoinToken({ tokenId, secret, caPin, rootDigest: root.digest })
  }

  async function join(
    cluster: string,
    rest: Partial<JoinTokenRecord> = {},
    uid = clusterUid,
  ): Promise<{ enrolled: Enrolled; stored: StoredIdentity }> {
    const token = makeToken(cluster, rest)
    const enrolled = await enrol(token, uid, await createAgentKey(), 'test', (pin) =>
      dialEnrolment(enrolment.address, pin),
    )
    const { identity, endpoint, boundKey, generation } = enrolled
    const stored = { identity, endpoint, boundKey, generation, receivedAt: Date.now() }
    return { enrolled, stored }
  }

  /** An agent that lives until the signal; what it keeps and says can be looked at. */
  function startAgent(
    enrolled: Enrolled,
    stored: StoredIdentity,
    signal: AbortSignal,
    uid?: string,
  ) {
    const either = AbortSignal.any([signal, stop.signal])
    const kept: StoredIdentity[] = [stored]
    const said: string[] = []
    const say = (_: object, message: string) => void said.push(message)
    const log = { info: say, warn: say, error: say }
    const own = createCredentials({
      stored,
      save: async (next) => void kept.push(next),
      createKey: createCertificateKey,
      async claim(now, request) {
        const { hubCa: ca } = now.endpoint
        const calls = await dialEnrolment(enrolment.address, { ca })
        try {
          return await claim(now, request, calls)
        } finally {
          calls.close()
        }
      },
      clock: Date.now,
      monotonic: () => performance.now(),
      random: () => 0,
      log,
    })
    const agent = createAgent({
      identity: { ...stored.identity, clusterUid: uid ?? stored.identity.clusterUid },
      root: enrolled.root.statement,
      trust: createMemoryTrust({
        root: enrolled.root.envelope,
        epoch: 1,
        sequence: 0,
        snapshotDigest: null,
        envelope: null,
      }),
      content: createMemoryCache(),
      workloads: { reconcile: async () => {}, states: () => [] },
      dial: () => dial(own.endpoint()),
      credentials: own,
      decompress: decompressZstd,
      facts: () => ({ kubernetesVersion: 'v1.35.4', nodes: 1 }),
      version: 'test',
      clock: Date.now,
      monotonic: () => performance.now(),
      nonce: () => randomBytes(32),
      random: () => 0.1,
      sleep: (ms, signal) => systemClock.sleep(ms, signal).catch(() => {}),
      every: repeat,
      log,
    })
    return { kept, said, newest: () => kept.at(-1)!, done: agent.run(either) }
  }

  return {
    authority,
    membership,
    decisions,
    connected,
    /** Streams open now. */
    live,
    refused,
    refusedPeers,
    pins,
    append,
    makeToken,
    join,
    startAgent,
    /** What the hub does from time to time: certificates by whoever has the turn. */
    async turn(): Promise<void> {
      if (!(await authority.turn())) return
      const next = await authority.serve(['groundswell-hub', '127.0.0.1'])
      sync.present(next)
      enrolment.present(next)
    },
    sync,
    enrolment,
    /** Of the listeners. */
    certificate,
    /** Where the authority's key is. */
    caDirectory: `${directory.path}/ca`,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await sync.close(500)
      await enrolment.close(500)
      await directory.remove()
    },
  }
}
