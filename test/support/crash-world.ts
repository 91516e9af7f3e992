import { formatObjectId, type ObjectId } from '@groundswell/proto/object-id.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { createAgent } from '../../agent/agent.ts'
import { createWorkloads } from '../../agent/apply/workloads.ts'
import { type Clock, systemClock } from '../../agent/cluster/clock.ts'
import type { Cluster } from '../../agent/cluster/port.ts'
import { noKeys } from '../../agent/secrets/keys.ts'
import type { ContentCache, TrustState, TrustStore } from '../../agent/trust/state.ts'
import { type Bundle, buildBundle } from '../../hub/bundle/build.ts'
import type { SigningKey } from '../../hub/bundle/sign.ts'
import { repeat } from '../../hub/clock.ts'
import { createFakeStreams, type FakeStream } from './fake-streams.ts'
import { createMemoryTrust } from './memory-stores.ts'
import type { Desired, Recorded } from './oracle.ts'
import { agentIdentity, createCheckingCache, signOffer } from './signed-offer.ts'
import { rootOf } from './signing-key.ts'
import { until } from './until.ts'

/** Where an agent may be killed, in the order it comes by. */
export const crashPoints = [
  'chunk received',
  'verified',
  'state saved',
  'object applied',
  'all applied',
  'inventory saved',
  'before report',
] as const
export type CrashPoint = (typeof crashPoints)[number]

export interface Crash {
  readonly point: CrashPoint
  /** At which time that it comes by. */
  readonly nth: number
}

interface Life {
  readonly died: Promise<void>
  /** Whether the crash came. */
  readonly dead: boolean
  /** Whether it is in sync with what was committed last. */
  isInSync(): boolean
  inSync(deadlineMs?: number): Promise<void>
  /** No effect of this life comes after this. */
  kill(): Promise<void>
}

export interface CrashWorldOptions {
  /** Of the agent's waits. */
  readonly clock?: Clock
  /** Called before anything is written down; throws when that fails. */
  readonly disk?: () => void
  readonly trust?: TrustStore
  readonly content?: ContentCache
}

/**
 * A whole agent on a given cluster, which can be killed between any two of its effects and started
 * again from what it had written down. The hub is a stream that offers the newest.
 */
export function createCrashWorld(
  cluster: Cluster,
  key: SigningKey,
  namespace: string,
  options: CrashWorldOptions = {},
) {
  const { clock = systemClock, disk = () => {} } = options
  const first = { root: new Uint8Array(), epoch: 1, sequence: 0, snapshotDigest: null }
  const trust = options.trust ?? createMemoryTrust({ ...first, envelope: null })
  const content = options.content ?? createCheckingCache()
  const hub = createFakeStreams()
  const recorded: Recorded = { saved: [], deleted: [], desired: new Map() }
  /** Told until they are back, as a hub does until it knows that all is gone. */
  const gone = new Set<string>()
  let newest: { readonly sequence: number; readonly envelope: Uint8Array } | undefined

  /** Signs what is wanted now; an application that has no object any more is removed. */
  async function commit(desired: Desired): Promise<void> {
    const sequence = (newest?.sequence ?? 0) + 1
    const names = [...new Set([...desired.values()].map(({ application }) => application))]
    const base = `base-${namespace}`
    const kept = [base, ...names.filter((name) => name !== base)]
    const before = recorded.desired.get(newest?.sequence ?? 0)?.values() ?? []
    for (const { application } of before) if (application !== base) gone.add(application)
    for (const name of kept) gone.delete(name)
    const bundles = kept.map((name) => [name, bundleFor(name, desired, namespace)] as const)
    hub.store(...bundles.map(([, bundle]) => bundle))
    const applications: SnapshotApplication[] = [
      ...bundles.map(([name, { manifest }]) => ({
        ...{ name, generation: sequence, state: 'present' as const, revision: 'main@sha1:1' },
        manifest: { digest: manifest.digest, size: manifest.bytes.byteLength },
      })),
      ...[...gone].map((name) => ({
        ...{ name, generation: sequence, state: 'removed' as const },
        deletionPolicy: 'Delete' as const,
      })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1))
    const { envelope } = await signOffer(key, sequence, bundles[0]![1], { applications })
    newest = { sequence, envelope }
    recorded.desired.set(sequence, new Map(desired))
  }

  function start(crash?: Crash): Life {
    const died = Promise.withResolvers<void>()
    const ending = new AbortController()
    let left = crash?.nth ?? 0
    let dead = false
    let fallen = false
    /** Of the snapshot that is applied: the one before may be at its last write as the next is accepted. */
    let applying = 0
    const alive = (): void => {
      if (dead) throw new Error('killed')
    }
    const reach = (point: CrashPoint): void => {
      alive()
      if (point !== crash?.point) return
      left -= 1
      if (left !== 0) return
      dead = fallen = true
      died.resolve()
      throw new Error('killed')
    }
    const workloads = createWorkloads({
      cluster: mortal(cluster, alive, reach, (id) => {
        recorded.deleted.push({ id, sequence: applying })
      }),
      ...{ clusterId: agentIdentity.clusterId, keys: noKeys, clock },
      ...{ within: <T>(run: () => T) => run(), random: Math.random, log: () => {} },
      onChange: (states) => agent.onChange(states),
    })
    const agent = createAgent({
      identity: agentIdentity,
      root: rootOf('f', key),
      trust: mortalTrust(trust, recorded, alive, reach, disk),
      content: mortalContent(content, alive, reach, disk),
      workloads: {
        states: workloads.states,
        async reconcile(snapshot, signal) {
          applying = snapshot.snapshot.sequence
          await workloads.reconcile(snapshot, signal)
        },
      },
      dial() {
        const stream = hub.dial()
        stream.welcome()
        if (newest) stream.offer(newest.envelope)
        return mortalStream(stream, alive, reach)
      },
      decompress: async (bytes) => bytes,
      facts: () => ({ kubernetesVersion: '', nodes: 1 }),
      version: 'test',
      // The statements are of the first hour of 2026.
      clock: () => 1_767_225_700_000,
      monotonic: () => performance.now(),
      random: Math.random,
      nonce: () => Buffer.alloc(32, 1),
      sleep: (ms, signal) => clock.sleep(ms, signal).catch(() => {}),
      every: repeat,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    })
    const running = agent.run(ending.signal).catch(() => {})
    const isInSync = (): boolean => {
      const { sequence } = recorded.saved.at(-1) ?? { sequence: 0 }
      const states = workloads.states()
      const wanted = recorded.desired.get(newest?.sequence ?? 0)
      if (sequence !== newest?.sequence || !wanted) return false
      const present = new Set([...wanted.values()].map(({ application }) => application))
      return (
        states.every(({ phase }) => phase === 'Applied' || phase === 'Removed') &&
        [...present].every((name) =>
          states.some((state) => state.application === name && state.generation === sequence),
        )
      )
    }
    return {
      died: died.promise,
      get dead() {
        return fallen
      },
      isInSync,
      async inSync(deadlineMs = 20_000) {
        const done = () => dead || isInSync()
        await until(done, { deadlineMs, intervalMs: 2, what: 'the agent to be in sync' })
      },
      async kill() {
        dead = true
        ending.abort()
        await running
        await workloads.close()
      },
    }
  }

  return { commit, start, recorded, trust, hub }
}

function bundleFor(application: string, desired: Desired, namespace: string): Bundle {
  const objects = [...desired]
    .filter(([, one]) => one.application === application)
    .map(([name, { text }]) => ({
      id: { group: '', kind: 'ConfigMap', namespace, name },
      apiVersion: 'v1',
      json: JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { text } },
      }),
      file: `${application}/${name}.yaml`,
    }))
  const home = {
    id: { group: '', kind: 'Namespace', namespace: '', name: namespace },
    apiVersion: 'v1',
    json: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
    file: 'namespace.yaml',
  }
  return buildBundle(application.startsWith('base-') ? [home, ...objects] : objects, {
    ...{ application, targetNamespace: '', prune: true, allowEmpty: true, drift: 'correct' },
    deletionPolicy: 'Delete',
  })
}

type Alive = () => void
type Reach = (point: CrashPoint) => void

function mortal(
  cluster: Cluster,
  alive: Alive,
  reach: Reach,
  onDelete: (id: string) => void,
): Cluster {
  const isInventory = ({ name }: ObjectId): boolean => name.startsWith('groundswell-inventory-')
  return {
    ...cluster,
    async get(...args) {
      alive()
      return cluster.get(...args)
    },
    async apply(...args) {
      const [, id] = args
      if (isInventory(id)) reach('all applied')
      alive()
      const applied = await cluster.apply(...args)
      reach(isInventory(id) ? 'inventory saved' : 'object applied')
      return applied
    },
    async delete(...args) {
      alive()
      const [, id] = args
      if (!isInventory(id)) onDelete(formatObjectId(id))
      await cluster.delete(...args)
      alive()
    },
    async disown(...args) {
      alive()
      await cluster.disown(...args)
      alive()
    },
  }
}

function mortalTrust(
  trust: TrustStore,
  recorded: Recorded,
  alive: Alive,
  reach: Reach,
  disk: () => void,
): TrustStore {
  return {
    load: () => trust.load(),
    async save(state: TrustState) {
      reach('verified')
      alive()
      disk()
      await trust.save(state)
      const { sequence, snapshotDigest } = state
      recorded.saved.push({ sequence, digest: snapshotDigest })
      reach('state saved')
    },
  }
}

function mortalContent(
  content: ContentCache,
  alive: Alive,
  reach: Reach,
  disk: () => void,
): ContentCache {
  return {
    ...content,
    async write(digest, bytes) {
      alive()
      disk()
      await content.write(digest, bytes)
      reach('chunk received')
    },
    async sweep(keep) {
      alive()
      await content.sweep(keep)
    },
  }
}

function mortalStream(stream: FakeStream, alive: Alive, reach: Reach): FakeStream {
  return {
    ...stream,
    async send(request) {
      if (request.message.case === 'report') reach('before report')
      alive()
      await stream.send(request)
    },
  }
}
