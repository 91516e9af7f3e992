import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import type { Redis } from 'ioredis'
import type { Pins, PinStore } from './pins.ts'

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
  const put = defineScript(redis, 'groundswellPutSnapshot', putScript)
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
      return (await put(key(clusterId), last?.digest ?? '', ...words)) === 1
    },
  }
}

type Word = string | number | Buffer

/** A script with one key, sent by its digest once Redis has it. */
function defineScript(redis: Redis, name: string, lua: string) {
  redis.defineCommand(name, { numberOfKeys: 1, lua })
  const commands = redis as unknown as Record<string, (...words: Word[]) => Promise<unknown>>
  return (key: string, ...words: Word[]): Promise<unknown> => commands[name]!(key, ...words)
}

/** Compare and set, in one step for everybody who shares this Redis. */
const replaceScript = `
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`

export function createPinStore(redis: Redis, prefix: string): PinStore {
  const key = (clusterId: string): string => `${prefix}:pins:${clusterId}`
  return {
    async get(clusterId) {
      const was = await redis.get(key(clusterId))
      const pins = was === null ? undefined : parsePins(was)
      // What cannot be read is as good as lost; it is written anew.
      return was === null || !pins ? undefined : { pins, was }
    },
    async replace(clusterId, was, pins) {
      const next = JSON.stringify(pins)
      if (was === null) {
        const before = await redis.get(key(clusterId))
        if (before !== null && parsePins(before)) return false
        return (await redis.eval(replaceScript, 1, key(clusterId), before ?? '', next)) === 1
      }
      return (await redis.eval(replaceScript, 1, key(clusterId), was, next)) === 1
    },
  }
}

function parsePins(text: string): Pins | undefined {
  try {
    const { series, serial, generation, next } = JSON.parse(text) as Pins
    const held = Number.isSafeInteger(series) && Number.isSafeInteger(generation)
    if (!held || typeof serial !== 'string') return undefined
    const whole = typeof next?.serial === 'string' && typeof next.key === 'string'
    return { series, serial, generation, next: next && whole ? next : null }
  } catch {
    return undefined
  }
}

/** A join token is used once by all hubs that share this Redis; the ledger keeps that for ever. */
export function createTokenUse(redis: Redis, prefix: string, lifeSeconds: number) {
  const key = (tokenId: string): string => `${prefix}:token:${tokenId}`
  return {
    async take(tokenId: string): Promise<boolean> {
      return (await redis.set(key(tokenId), '1', 'EX', lifeSeconds, 'NX')) === 'OK'
    },
    async giveBack(tokenId: string): Promise<void> {
      await redis.del(key(tokenId))
    },
  }
}
