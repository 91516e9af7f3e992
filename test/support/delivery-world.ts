import { randomBytes } from 'node:crypto'
import type { Keepalive } from '@groundswell/proto/keepalive.ts'
import { createAgent } from '../../agent/agent.ts'
import { systemClock } from '../../agent/cluster/clock.ts'
import { proveSelf } from '../../agent/lease/prove.ts'
import { createDialling } from '../../agent/link/dialling.ts'
import { decompressZstd, dial, dialRehearsal } from '../../agent/link/grpc.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import type { VerifiedSnapshot } from '../../agent/trust/verified.ts'
import { loadSigningKey } from '../../hub/bundle/fs.ts'
import { signFirstRoot } from '../../hub/bundle/root.ts'
import { repeat } from '../../hub/clock.ts'
import type { Assignment } from '../../hub/rollout/rollout.ts'
import {
  type SyncListener,
  type SyncListenerDeps,
  compressZstd,
  serveSync,
} from '../../hub/sync/grpc.ts'
import { reachLeader } from '../../hub/replica/link/grpc.ts'
import { servePeers } from '../../hub/replica/peers/grpc.ts'
import { type Relay, serveRelay } from '../../hub/replica/relay/grpc.ts'
import { createFreshness } from '../../hub/sync/freshness.ts'
import { createOffers } from '../../hub/sync/offer.ts'
import { createServing } from '../../hub/sync/serving.ts'
import type { Session } from '../../hub/sync/session.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import {
  createMemoryCache,
  createMemoryContent,
  createMemorySnapshots,
  createMemoryTrust,
} from './memory-stores.ts'
import { attestFirst, createMemorySigner } from './open-signer.ts'
import { bundleOf } from './signed-offer.ts'
import { createTempDir } from './temp-dir.ts'

/** An agent whose link, trust and accepting are real; it applies nothing. */
export interface DeliveryAgent {
  /** Sequences and generations of what it was given to apply, in order. */
  readonly sequences: readonly number[]
  readonly generations: readonly number[]
  readonly warnings: readonly string[]
  readonly said: readonly string[]
  /** Another process of the same cluster finds out whether it would be let in. */
  prove(clusterUid?: string): Promise<void>
  stop(): Promise<void>
}

/** What time it is for a hub, in milliseconds since 1970: agents and its TLS go by this machine's. */
export interface HubClocks {
  /** As its own certificate was made. */
  readonly certifiedAt?: () => number
  /** For its signer. */
  readonly signedAt?: () => number
}

export interface DeliveryWorld extends AsyncDisposable {
  readonly listener: SyncListener
  /** Streams the hub has now, by cluster. */
  readonly streams: ReadonlyMap<string, Session>
  /** Refused offers, as agents told. */
  readonly refusals: readonly string[]
  /** What the cluster should run: a ConfigMap of each text. */
  assign(cluster: string, generation: number, ...texts: string[]): void
  agent(cluster: string, address?: string): Promise<DeliveryAgent>
  /** A replica that follows, and passes what comes to it on to the listener. */
  follow(keepalive: Keepalive): Promise<Relay>
}

/** What is not as usual on the agents' side. */
export interface DeliveryAgents {
  readonly keepalive?: Keepalive
  /** Their timers: a test may have minutes pass in seconds. */
  readonly every?: typeof repeat
}

/** A real data listener with a real signer behind it, and agents that reach it over real TLS. */
export async function openDeliveryWorld(
  change: Partial<SyncListenerDeps> = {},
  { keepalive, every = repeat }: DeliveryAgents = {},
  { certifiedAt = Date.now, signedAt = Date.now }: HubClocks = {},
): Promise<DeliveryWorld> {
  const directory = await createTempDir('delivery')
  const load = (clock: () => number) => loadAuthority(`${directory.path}/ca`, 'test', clock)
  // Older than any certificate that it is to give.
  await load(() => Date.now() - 3 * 365 * 86_400_000)
  const authority = await load(Date.now)
  const snapshot = await loadSigningKey(directory.path, 'snapshot')
  const rootKey = await loadSigningKey(directory.path, 'root')
  const freshness = await loadSigningKey(directory.path, 'freshness')
  const root = await signFirstRoot('test', { root: rootKey, snapshot, freshness }, Date.now())
  const signer = await createMemorySigner({
    root: root.root,
    keys: [snapshot, freshness],
    rootKeys: [rootKey],
    clock: signedAt,
  })
  const certificate = await (await load(certifiedAt)).serve(['groundswell-hub', '127.0.0.1'])
  const content = createMemoryContent()
  const assignments = new Map<string, Assignment[]>()
  const streams = new Map<string, Session>()
  const refusals: string[] = []
  const listener = await serveSync('127.0.0.1', 0, certificate, authority, {
    identify(peer) {
      const cluster = peer!.subjectaltname!.split('/').at(-1)!
      const enrolment = { cluster, clusterId: cluster, clusterUid: `uid-${cluster}`, boundKey: '' }
      const number = { series: 1, generation: 1, serial: '' }
      return { ok: true, enrolment: { ...enrolment, enrolledAt: 0 }, certificate: number }
    },
    offerFor: createOffers({
      root: () => root.root,
      signer: attestFirst(signer),
      store: createMemorySnapshots(),
      assignments: (cluster) => assignments.get(cluster) ?? [],
      clock: signedAt,
    }),
    freshnessFor: createFreshness({
      signer,
      auditHead: () => null,
      onGiven: () => {},
      onFailed: () => {},
      monotonic: () => performance.now(),
    }),
    serve: createServing({ content, rebuild: async () => {} }),
    compress: compressZstd,
    heartbeatSeconds: 1,
    reconnectWindowSeconds: () => 0,
    onConnected: ({ cluster }, session) => streams.set(cluster, session),
    onDisconnected({ cluster }, session) {
      if (streams.get(cluster) === session) streams.delete(cluster)
    },
    onRefused: () => {},
    clock: Date.now,
    onHello: () => {},
    onHeartbeat: () => {},
    onOffered: () => {},
    onReport: () => {},
    onVerdict: (_, { accepted, code }) => {
      if (!accepted) refusals.push(code)
    },
    ...change,
  })
  const stops = new Set<() => Promise<void>>()
  const followers = new Set<() => Promise<void>>()

  return {
    listener,
    streams,
    refusals,
    assign(cluster, generation, ...texts) {
      const { manifest, objects } = bundleOf('shop', ...texts)
      for (const { digest, bytes } of [manifest, ...objects]) content.blobs.set(digest, bytes)
      const { digest, bytes } = manifest
      const what = { cluster, application: 'shop', digest, size: bytes.byteLength }
      assignments.set(cluster, [{ ...what, revision: 'main', generation, rollout: 'r' }])
      streams.get(cluster)?.notice()
    },
    async agent(cluster, address = listener.address) {
      const { key, publicKey } = await createAgentKey()
      const number = { series: 1, generation: 1 }
      const { chain: certificateChain } = await authority.issue(publicKey, cluster, number)
      const endpoint = {
        ...{ address, hubCa: authority.certificate, certificateChain, key },
        ...(keepalive && { keepalive }),
      }
      const blank = {
        ...{ root: root.envelope, epoch: root.root.epoch, sequence: 0 },
        ...{ snapshotDigest: null, envelope: null },
      }
      const sequences: number[] = []
      const generations: number[] = []
      const warnings: string[] = []
      const said: string[] = []
      const life = new AbortController()
      const agent = createAgent({
        identity: { fleet: 'test', cluster, clusterId: cluster, clusterUid: `uid-${cluster}` },
        root: root.root,
        trust: createMemoryTrust(blank),
        content: createMemoryCache(),
        workloads: {
          async reconcile({ snapshot: { sequence, applications } }: VerifiedSnapshot) {
            sequences.push(sequence)
            generations.push(applications[0]!.generation)
          },
          states: () => [],
        },
        dial: createDialling((doubted) => dial(endpoint, { doubted })),
        decompress: decompressZstd,
        facts: () => ({ kubernetesVersion: '', nodes: 1 }),
        version: 'test',
        clock: Date.now,
        monotonic: () => performance.now(),
        random: Math.random,
        nonce: () => randomBytes(32),
        sleep: (ms, signal) => systemClock.sleep(ms, signal).catch(() => {}),
        every,
        log: {
          info: (fields, message) => void said.push(`${message} ${JSON.stringify(fields)}`),
          warn: (fields, message) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
          error: (_, message) => void warnings.push(message),
        },
      })
      const done = agent.run(life.signal)
      const stop = async (): Promise<void> => {
        life.abort()
        await done
      }
      stops.add(stop)
      const prove = async (clusterUid = `uid-${cluster}`): Promise<void> => {
        const identity = { fleet: 'test', cluster, clusterId: cluster, clusterUid }
        const [version, content] = ['next', createMemoryCache()]
        await proveSelf(
          {
            ...{ identity, root: root.root, trust: createMemoryTrust(blank), content, version },
            ...{ clock: Date.now, certificateGeneration: 1 },
            dial: () => dialRehearsal(endpoint),
          },
          life.signal,
        )
      }
      return { sequences, generations, warnings, said, prove, stop }
    },
    async follow(often) {
      const unused = (): never => {
        throw new Error('nobody joins here')
      }
      const peers = await servePeers('127.0.0.1', 0, certificate, authority, {
        ...{ fleet: 'test', receive: listener.receive, accept: unused, onRefused: () => {} },
        enrolment: { begin: unused, enrol: unused, claim: unused },
      })
      const link = reachLeader(peers.address, authority.certificate, await authority.vouch('two'))
      const relay = await serveRelay('127.0.0.1', 0, certificate, authority, {
        async link() {
          await link.ready(5_000)
          return link
        },
        ...{ keepalive: often, onRefused: () => {} },
      })
      followers.add(async () => {
        await relay.close(500)
        link.close()
        await peers.close(500)
      })
      return relay
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...stops].map((stop) => stop()))
      await Promise.all([...followers].map((stop) => stop()))
      await listener.close(500)
      await directory.remove()
    },
  }
}
