import type { Digest } from '@groundswell/proto/digest.ts'
import type { Evidence, EvidenceStore } from '../../agent/trust/evidence.ts'
import type { ContentCache, TrustState, TrustStore } from '../../agent/trust/state.ts'
import { AgentError } from '../../agent/errors.ts'
import type { ContentStore } from '../../hub/bundle/content.ts'
import type { Pins, PinStore } from '../../hub/sync/pins.ts'
import type { SignedSnapshot, SnapshotStore } from '../../hub/sync/redis.ts'

/* Our own ports, kept in memory: for unit tests and for many agents in one process. */

export function createMemoryTrust(first: TrustState): TrustStore & { saves: number } {
  let state = first
  return {
    saves: 0,
    load: async () => state,
    async save(next) {
      this.saves += 1
      state = next
    },
  }
}

export function createMemoryEvidence(): EvidenceStore & { kept: readonly Evidence[] } {
  return {
    kept: [],
    async load() {
      return this.kept
    },
    async save(evidence) {
      this.kept = evidence
    },
  }
}

export function createMemoryCache(): ContentCache & { readonly blobs: Map<Digest, Uint8Array> } {
  const blobs = new Map<Digest, Uint8Array>()
  return {
    blobs,
    has: async (digest) => blobs.has(digest),
    async read(digest) {
      const found = blobs.get(digest)
      if (!found) throw new AgentError('content_missing', digest)
      return found
    },
    async write(digest, bytes) {
      blobs.set(digest, bytes)
    },
    async sweep(keep) {
      for (const digest of blobs.keys()) if (!keep.has(digest)) blobs.delete(digest)
    },
  }
}

export function createMemoryContent(): ContentStore & { readonly blobs: Map<Digest, Uint8Array> } {
  const blobs = new Map<Digest, Uint8Array>()
  return {
    blobs,
    missing: async (digests) => digests.filter((digest) => !blobs.has(digest)),
    async put(added) {
      for (const { digest, bytes } of added) blobs.set(digest, bytes)
    },
    get: async (digests) => digests.map((digest) => blobs.get(digest)),
    async sweep(keep) {
      const dead = [...blobs.keys()].filter((digest) => !keep.has(digest))
      for (const digest of dead) blobs.delete(digest)
      return dead.length
    },
  }
}

export function createMemorySnapshots(): SnapshotStore {
  const snapshots = new Map<string, SignedSnapshot>()
  return {
    get: async (clusterId) => snapshots.get(clusterId),
    async put(clusterId, snapshot, last) {
      if (snapshots.get(clusterId)?.digest !== last?.digest) return false
      snapshots.set(clusterId, snapshot)
      return true
    },
  }
}

export function createMemoryPins(): PinStore & { readonly held: Map<string, Pins> } {
  const held = new Map<string, Pins>()
  return {
    held,
    async get(clusterId) {
      const pins = held.get(clusterId)
      return pins && { pins, was: JSON.stringify(pins) }
    },
    async replace(clusterId, was, pins) {
      const now = held.get(clusterId)
      if ((now ? JSON.stringify(now) : null) !== was) return false
      held.set(clusterId, pins)
      return true
    },
  }
}
