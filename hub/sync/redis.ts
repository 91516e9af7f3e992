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
  /**
   * Takes the place of `last`, as `get` gave it. False when somebody else was there first: two hubs
   * must never sign two contents under one sequence (I3).
   */
  put(
    clusterId: string,
    snapshot: SignedSnapshot,
    last: SignedSnapshot | undefined,
  ): Promise<boolean>
}

// KEYS record; ARGV digest before (empty: none that can be read), then fields and values.
const putScript = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local held = redis.call('HMGET', KEYS[1], 'digest', 'applications', 'envelope')
local function isDigest(text) return text and #text == 71 and string.match(text, '^sha256:%x+$') end
local readable = isDigest(held[1]) and isDigest(held[2]) and held[3]
if (readable and held[1] or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1`

export function createSnapshotStore(redis: Redis, prefix: string): SnapshotStore {
  const key = (clusterId: string): string => `${prefix}:snapshot:${clusterId}`
  return {
    async get(clusterId) {
      const found: Record<string, Buffer> = await redis
        .hgetallBuffer(key(clusterId))
        .catch((error: Error) => {
          // Made into something else by whoever may write there: as good as lost.
          if (error.message.startsWith('WRONGTYPE')) return {}
          throw error
        })
      const text = (field: string): string => found[field]?.toString() ?? ''
      const [digest, applications] = [text('digest'), text('applications')]
      const envelope = found['envelope']
      if (!isDigest(digest) || !isDigest(applications) || !envelope) return undefined
      const [epoch, sequence] = [Number(text('epoch')), Number(text('sequence'))]
      const expiresAt = Number(text('expiresAt'))
      return { epoch, sequence, digest, applications, expiresAt, envelope }
    },
    async put(clusterId, snapshot, last) {
      const fields = {
        epoch: snapshot.epoch,
        sequence: snapshot.sequence,
        digest: snapshot.digest,
        applications: snapshot.applications,
        expiresAt: snapshot.expiresAt,
        envelope: Buffer.from(snapshot.envelope),
      }
      const words = Object.entries(fields).flat()
      return (await redis.eval(putScript, 1, key(clusterId), last?.digest ?? '', ...words)) === 1
    },
  }
}
