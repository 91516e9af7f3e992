import type { Digest } from '@groundswell/proto/digest.ts'
import { formatObjectId, type ObjectId } from '@groundswell/proto/object-id.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { createAgent } from '../../agent/agent.ts'
import { createWorkloads } from '../../agent/apply/workloads.ts'
import { type Clock, systemClock } from '../../agent/cluster/clock.ts'
import type { Cluster } from '../../agent/cluster/port.ts'
import type { ApplicationState } from '../../agent/observe/status.ts'
import { noKeys } from '../../agent/secrets/keys.ts'
import type { ContentCache, TrustState, TrustStore } from '../../agent/trust/state.ts'
import { type SigningKey, signStatement } from '../../hub/bundle/sign.ts'
import { repeat } from '../../hub/clock.ts'
import { bundleDesired } from './desired-objects.ts'
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

export interface Life {
  readonly died: Promise<void>
  /** Whether the crash came. */
  readonly dead: boolean
  /** Whether it is in sync with what was committed last. */
  isInSync(): boolean
  /** What it would report of each application, once it has tried what was committed last. */
  tried(): readonly ApplicationState[] | undefined
  inSync(deadlineMs?: number): Promise<void>
  /** No effect of this life comes after this. */
  kill(): Promise<void>
}

export interface CrashWorldOptions {
  /** Of the agent's waits. */
  readonly clock?: Clock
  /** Milliseconds since 1970 as the machine has it; right when left out. */
  readonly wall?: () => number
  /** Called before anything is written down; throws when that fails. */
  readonly disk?: () => void
  readonly trust?: TrustStore
  readonly content?: ContentCache
}

/** The statements are of the first hour of 2026. */
export const trueTime = 1_767_225_700_000

export type CrashWorld = ReturnType<typeof createCrashWorld>

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
  const { clock = systemClock, disk = () => {}, wall = () => trueTime } = options
  const first = { root: new Uint8Array(), epoch: 1, sequence: 0, snapshotDigest: null }
  const trust = options.trust ?? createMemoryTrust({ ...first, envelope: null })
  const content = options.content ?? createCheckingCache()
  const hub = createFakeStreams()
  const recorded: Recorded = { saved: [], deleted: [], desired: new Map(), confirmed: new Set() }
  /** Told until they are back, as a hub does until it knows that all is gone. */
  const gone = new Set<string>()
  let newest: Signed | undefined

  /**
   * Signs what is wanted now; an application that has no object any more is removed, unless it is to stay.
   *
   * @param confirmed whether deletions that wait for a person are confirmed
   */
  async function commit(
    desired: Desired,
    { confirmed = false, stays = [] }: CommitOptions = {},
  ): Promise<void> {
    const sequence = (newest?.sequence ?? 0) + 1
    const wishes = [...desired.values()]
    const all = wishes.flatMap(({ application, also }) => [application, ...(also ? [also] : [])])
    const names = [...new Set([...all, ...stays])]
    const base = `base-${namespace}`
    const kept = [base, ...names.filter((name) => name !== base)]
    const before = recorded.desired.get(newest?.sequence ?? 0)?.values() ?? []
    for (const { application, also = application } of before) {
      for (const name of [application, also]) if (name !== base) gone.add(name)
    }
    for (const name of kept) gone.delete(name)
    const bundles = kept.map(
      (name) => [name, bundleDesired(name, desired, namespace, confirmed)] as const,
    )
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
    const signed = await signOffer(key, sequence, bundles[0]![1], { applications })
    newest = { sequence, digest: signed.digest, envelope: signed.envelope }
    recorded.desired.set(sequence, new Map(desired))
    if (confirmed) recorded.confirmed.add(sequence)
    for (const stream of hub.streams) if (!stream.closed) stream.offer(signed.envelope)
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
        return mortalStream(vouching(stream), alive, reach)
      },
      decompress: async (bytes) => bytes,
      facts: () => ({ kubernetesVersion: '', nodes: 1 }),
      version: 'test',
      clock: wall,
      monotonic: () => performance.now(),
      random: Math.random,
      nonce: () => Buffer.alloc(32, 1),
      sleep: (ms, signal) => clock.sleep(ms, signal).catch(() => {}),
      every: repeat,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    })
    const running = agent.run(ending.signal).catch(() => {})
    const tried = (): readonly ApplicationState[] | undefined => {
      const { sequence } = recorded.saved.at(-1) ?? { sequence: 0 }
      const states = workloads.states()
      const wanted = recorded.desired.get(newest?.sequence ?? 0)
      if (sequence !== newest?.sequence || !wanted) return undefined
      const present = new Set([...wanted.values()].map(({ application }) => application))
      const all = [...present].every((name) =>
        states.some((state) => state.application === name && state.generation === sequence),
      )
      return all ? states : undefined
    }
    const isInSync = (): boolean =>
      tried()?.every((one) => /^(Applied|Removed)$/.test(one.phase) || isForgotten(one)) ?? false
    return {
      died: died.promise,
      get dead() {
        return fallen
      },
      isInSync,
      tried,
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

  /** A signer answers each question with what is the newest. */
  function vouching(stream: FakeStream): FakeStream {
    const answer = async (nonce: Uint8Array): Promise<void> => {
      const issuedAt = trueTime / 1_000
      const statement = {
        ...{ v: 1, fleet: 'f', aud: agentIdentity.clusterId, issuedAt, expiresAt: issuedAt + 600 },
        ...{ nonce: Buffer.from(nonce).toString('base64url'), epoch: 1, rootVersion: 1 },
        ...{ sequence: newest?.sequence ?? 0, snapshot: newest?.digest ?? null, auditHead: null },
      }
      const { envelope } = await signStatement('freshness', statement, [key])
      stream.say({ case: 'freshness', value: { envelope: Uint8Array.from(envelope) } })
    }
    return {
      ...stream,
      async send(request) {
        await stream.send(request)
        const { message } = request
        if (message.case !== 'hello' && message.case !== 'freshness') return
        if (message.value.nonce.length > 0) void answer(message.value.nonce)
      },
    }
  }

  return { commit, start, recorded, trust, hub }
}

interface Signed {
  readonly sequence: number
  readonly digest: Digest
  readonly envelope: Uint8Array
}

interface CommitOptions {
  readonly confirmed?: boolean
  /** Applications that are there though nothing of theirs is. */
  readonly stays?: readonly string[]
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
      const left = await cluster.delete(...args)
      alive()
      return left
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

/** A removal without an inventory: what came back is told, and nobody's to delete. */
function isForgotten({ errors }: ApplicationState): boolean {
  return errors.length > 0 && errors.every(({ message }) => message.startsWith('no inventory has'))
}
