import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import type { Redis } from 'ioredis'

/** The last snapshot signed for a cluster, kept so that an unchanged one is never signed twice. */
export interface SignedSnapshot {
  readonly epoch: number
  readonly sequence: number
  /** Digest of the payload. */
  readonly digest: Digest
  /** Digest of the list of applications in it. */
  readonly applications: Digest
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
  readonly envelope: Uint8Array
}

export interface SnapshotStore {
  get(clusterId: string): Promise<SignedSnapshot | undefined>
  put(clusterId: string, snapshot: SignedSnapshot): Promise<void>
}

export function createSnapshotStore(redis: Redis, prefix: string): SnapshotStore {
  const key = (clusterId: string): string => `${prefix}:snapshot:${clusterId}`
  return {
    async get(clusterId) {
      const found = await redis.hgetallBuffer(key(clusterId))
      const text = (field: string): string => found[field]?.toString() ?? ''
      const [digest, applications] = [text('digest'), text('applications')]
      const envelope = found['envelope']
      if (!isDigest(digest) || !isDigest(applications) || !envelope) return undefined
      const [epoch, sequence] = [Number(text('epoch')), Number(text('sequence'))]
      const expiresAt = Number(text('expiresAt'))
      return { epoch, sequence, digest, applications, expiresAt, envelope }
    },
    async put(clusterId, snapshot) {
      await redis.hset(key(clusterId), {
        epoch: snapshot.epoch,
        sequence: snapshot.sequence,
        digest: snapshot.digest,
        applications: snapshot.applications,
        expiresAt: snapshot.expiresAt,
        envelope: Buffer.from(snapshot.envelope),
      })
    },
  }
}
