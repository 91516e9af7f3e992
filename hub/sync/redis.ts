import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import type { Redis } from 'ioredis'
import { HubError } from '../errors.ts'
import { orLost } from '../redis.ts'
import { dropOtherKinds, isDigestInRedis } from '../redis-script.ts'
import { leaseKey } from '../replica/redis.ts'
import type { Seal } from '../replica/seal.ts'
import type { AuditHead } from '../signer/signer.ts'
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
  /** Where the ledger ended when it was signed; records of before do not say. */
  readonly ledger?: AuditHead
}

export interface SnapshotStore {
  get(clusterId: string): Promise<SignedSnapshot | undefined>
  /**
   * Takes the place of `last`, as `get` gave it. False when somebody else was there first: two hubs
   * must never sign two contents under one sequence (I3).
   *
   * @throws HubError `no_leader` when another replica has led since
   */
  put(
    clusterId: string,
    snapshot: SignedSnapshot,
    last: SignedSnapshot | undefined,
  ): Promise<boolean>
}

// KEYS the lease of replicas, records; ARGV the term we lead in (empty: alone), then for each record: digest before
// (empty: none that can be read), then what is in it, in the order of `names`. Gives 1 for each that was written,
// 0 for each that was not, and nothing at all to who leads no more.
const putScript = `
if ARGV[1] ~= '' and tonumber(redis.call('HGET', KEYS[1], 'term') or '0') > tonumber(ARGV[1]) then return {} end
local names = { 'epoch', 'sequence', 'digest', 'applications', 'expiresAt', 'envelope', 'ledger', 'of' }
${isDigestInRedis}
local answers = {}
for i = 1, #KEYS - 1 do
  local key = KEYS[i + 1]
  local at = (i - 1) * (#names + 1) + 2
  if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end
  local held = redis.call('HMGET', key, 'digest', 'applications', 'envelope')
  local readable = isDigest(held[1]) and isDigest(held[2]) and held[3]
  if (readable and held[1] or '') == ARGV[at] then
    local fields = {}
    for n, name in ipairs(names) do
      fields[2 * n - 1] = name
      fields[2 * n] = ARGV[at + n]
    end
    redis.call('HSET', key, unpack(fields))
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers`

/** Records written by one command; what waits beyond that goes with the next. */
const putsAtOnce = 128

interface Put {
  readonly key: string
  readonly words: readonly Word[]
  readonly resolve: (done: boolean) => void
  readonly reject: (error: unknown) => void
}

/**
 * Snapshots signed together are written together: after a commit a whole fleet's are. Of replicas, `term` is that in
 * which this one leads: what it had signed before another did is not written, and so never sent.
 */
export function createSnapshotStore(
  redis: Redis,
  prefix: string,
  term?: () => number,
): SnapshotStore {
  const putAll = defineScript(redis, 'groundswellPutSnapshots', putScript)
  let waiting: Put[] = []

  /** Once all that goes on in this turn has come. */
  function writeSoon(put: Put): void {
    waiting.push(put)
    if (waiting.length === 1) setImmediate(write)
    else if (waiting.length === putsAtOnce) write()
  }

  function write(): void {
    const puts = waiting
    waiting = []
    if (puts.length > 0) void writeAll(puts)
  }

  async function writeAll(puts: readonly Put[]): Promise<void> {
    try {
      const keys = [leaseKey(prefix), ...puts.map((put) => put.key)]
      const answers = (await putAll(keys, [
        term?.() ?? '',
        ...puts.flatMap(({ words }) => words),
      ])) as number[]
      if (answers.length === 0) throw new HubError('no_leader', 'another replica leads by now')
      for (const [at, { resolve }] of puts.entries()) resolve(answers[at] === 1)
    } catch (error) {
      for (const { reject } of puts) reject(error)
    }
  }

  const key = (clusterId: string): string => `${prefix}:snapshot:${clusterId}`
  return {
    async get(clusterId) {
      const found = await orLost<Record<string, Buffer>>(redis.hgetallBuffer(key(clusterId)), {})
      const text = (field: string): string => found[field]?.toString() ?? ''
      const [digest, applications] = [text('digest'), text('applications')]
      const envelope = found['envelope']
      if (!isDigest(digest) || !isDigest(applications) || !envelope) return undefined
      // Another cluster's record counts for no position of this one.
      const isMine = text('of') === '' || text('of') === clusterId
      const [epoch, sequence] = [toCount(text('epoch')), isMine ? toCount(text('sequence')) : NaN]
      const expiresAt = toCount(text('expiresAt'))
      const ledger = parseHead(text('ledger'))
      const signed = { epoch, sequence, digest, applications, expiresAt, envelope }
      return ledger ? { ...signed, ledger } : signed
    },
    put(clusterId, snapshot, last) {
      const { epoch, sequence, digest, applications, expiresAt, envelope, ledger } = snapshot
      const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength)
      const head = ledger ? `${ledger.index} ${ledger.digest}` : ''
      const words = [
        ...[last?.digest ?? '', epoch, sequence, digest, applications, expiresAt, bytes],
        ...[head, clusterId],
      ]
      return new Promise((resolve, reject) => {
        writeSoon({ key: key(clusterId), words, resolve, reject })
      })
    },
  }
}

/** NaN for what no hub wrote: it is not above any number, nor below one, so nothing follows from it. */
function toCount(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN
}

/** Undefined for what is not one: another hub's, or somebody's hand. */
function parseHead(text: string): AuditHead | undefined {
  const [index, digest = ''] = text.split(' ')
  return isDigest(digest) ? { index: Number(index), digest } : undefined
}

type Word = string | number | Buffer

/** A script sent by its digest once Redis has it. */
function defineScript(redis: Redis, name: string, lua: string) {
  redis.defineCommand(name, { lua })
  const commands = redis as unknown as Record<string, (...words: Word[]) => Promise<unknown>>
  return (keys: readonly string[], words: readonly Word[]): Promise<unknown> =>
    commands[name]!(keys.length, ...keys, ...words)
}

/** Compare and set, in one step for everybody who shares this Redis. */
const replaceScript = `
${dropOtherKinds(['string'])}
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`

/**
 * Pins are sealed, for one cluster each: who may write to Redis can have them forgotten, but not bar a cluster by
 * those of another.
 */
export function createPinStore(redis: Redis, prefix: string, seal: Seal): PinStore {
  const key = (clusterId: string): string => `${prefix}:pins:${clusterId}`

  /** What is there, and what it says; what cannot be read is as good as lost, and is written anew. */
  async function read(clusterId: string) {
    const found = await orLost(redis.getBuffer(key(clusterId)), null)
    const said = (found && seal.open(found.toString())) ?? ''
    const mine = `${clusterId} `
    return { found, pins: said.startsWith(mine) ? parsePins(said.slice(mine.length)) : undefined }
  }

  return {
    async get(clusterId) {
      const { found, pins } = await read(clusterId)
      return found && pins ? { pins, was: found.toString() } : undefined
    },
    async replace(clusterId, was, pins) {
      const next = seal.close(`${clusterId} ${JSON.stringify(pins)}`)
      const there = was === null ? await read(clusterId) : undefined
      if (there?.pins) return false
      const before = was ?? there?.found ?? ''
      return (await redis.eval(replaceScript, 1, key(clusterId), before, next)) === 1
    },
  }
}

function parsePins(text: string): Pins | undefined {
  try {
    const { series, serial, generation, key, next } = JSON.parse(text) as Pins
    const held = Number.isSafeInteger(series) && Number.isSafeInteger(generation)
    if (!held || typeof serial !== 'string') return undefined
    const whole = typeof next?.serial === 'string' && typeof next.key === 'string'
    return {
      ...{ series, serial, generation, next: next && whole ? next : null },
      ...(typeof key === 'string' && { key }),
    }
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
