import { digestOf } from '@groundswell/proto/digest.ts'
import { Redis } from 'ioredis'
import { HubError } from './errors.ts'

/** A Redis that hangs must fail a request, not hold it (milliseconds). */
const commandTimeout = 2_000

/**
 * Connects and waits until Redis answers. Commands fail at once while the connection is down and
 * after 2 s when Redis hangs; the connection comes back by itself.
 *
 * @throws HubError `redis_unavailable` when nothing answers within `readyTimeout` milliseconds.
 */
export async function connectRedis(
  url: string,
  log: (message: string, cause: unknown) => void = () => undefined,
  readyTimeout = 10_000,
): Promise<Redis> {
  const redis = new Redis(url, {
    connectTimeout: 5_000,
    commandTimeout,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // What is asked for in one turn travels in one write.
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
  })
  let last: unknown
  redis.on('error', (error: unknown) => {
    last = error
    log('the connection to Redis failed', error)
  })
  await new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => {
      redis.disconnect()
      reject(new HubError('redis_unavailable', describeSilence(url, last), { cause: last }))
    }, readyTimeout)
    redis.once('ready', () => {
      clearTimeout(deadline)
      resolve()
    })
  })
  return redis
}

/** Where it was looked for, without a password that the URL may have, and what came back. */
function describeSilence(url: string, last: unknown): string {
  const place = URL.canParse(url) && new URL(url).host !== '' ? new URL(url).host : 'its socket'
  const said = last instanceof Error && last.message !== '' ? `: ${last.message}` : ''
  return `Redis does not answer at ${place}${said}; is it running, and is --redis right?`
}

/**
 * A Redis that evicts keys loses jobs and state silently, so the hub does not start on one.
 *
 * @throws HubError `redis_refused` saying what to set.
 */
export async function assertNoEviction(redis: Redis): Promise<void> {
  const info = await translateRedis(redis.info('memory'))
  const policy = /^maxmemory_policy:(.+?)\r?$/m.exec(info)?.[1] ?? 'unknown'
  if (policy === 'noeviction') return
  throw new HubError(
    'redis_refused',
    `Redis has maxmemory-policy ${policy} and may drop rollouts; set it to noeviction`,
  )
}

/** Seconds for which a mark is kept: a hub that is gone for good is in nobody's way after them. */
const markSeconds = 60

const aliveKey = (prefix: string): string => `${prefix}:alive`

/** With a digest, so that a byte which somebody changed does not look like another hub. */
const spellMark = (owner: string): string => `${owner} ${digestOf(`groundswell/alive ${owner}`)}`

/**
 * Writes a mark, to see whether Redis takes it, and whether it was emptied since the last, or none was written
 * for a minute.
 *
 * @param owner what all hubs of this fleet have in common, and nobody else has
 * @throws HubError `redis_unavailable` with what Redis said
 */
export async function markAlive(
  redis: Redis,
  prefix: string,
  owner: string,
): Promise<'kept' | 'lost'> {
  const key = aliveKey(prefix)
  const mark = () => redis.set(key, spellMark(owner), 'EX', markSeconds, 'GET')
  const before = await translateRedis(orAnew(redis, key, mark))
  return before === null ? 'lost' : 'kept'
}

/**
 * Two fleets of one name in one Redis would take each other's notifications for forged and give them up, and
 * mix what is shown of their clusters.
 *
 * @throws HubError `redis_refused` while a hub of another fleet is at work under this name
 */
export async function assertNoOther(redis: Redis, prefix: string, owner: string): Promise<void> {
  const mark = await translateRedis(orLost(redis.get(aliveKey(prefix)), null))
  const other = mark?.split(' ', 1)[0] ?? owner
  if (other === owner || mark !== spellMark(other)) return
  throw new HubError(
    'redis_refused',
    `a hub of another fleet (another CA: its first is ${other}, this one's ${owner}) was at work in this Redis under the same name less than a minute ago; give one of them another --name or --redis, or all replicas of one fleet the same --shared directory. Where that one is gone for good, start this one again in a minute`,
  )
}

/** Whether an error is Redis' word that it takes no writes, or that it gave none in time. */
export function judgeRefusal(error: unknown): 'refused' | 'silent' | 'other' {
  if (!(error instanceof Error)) return 'other'
  if (/(?:^|: )(?:OOM|READONLY|MISCONF|NOREPLICAS) /.test(error.message)) return 'refused'
  const said = error instanceof HubError && error.code === 'redis_unavailable'
  return said || error.message === 'Command timed out' ? 'silent' : 'other'
}

/** Awaits a command and names what Redis said in our words. */
export async function translateRedis<T>(command: Promise<T>): Promise<T> {
  try {
    return await command
  } catch (cause) {
    if (cause instanceof HubError) throw cause
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new HubError('redis_unavailable', nameRefusal(said), { cause })
  }
}

/**
 * Awaits a command. What whoever may write there made into something of another kind
 * is as good as lost.
 */
export async function orLost<T>(command: Promise<T>, lost: T): Promise<T> {
  try {
    return await command
  } catch (error) {
    if (isOfAnotherKind(error)) return lost
    throw error
  }
}

/** Writes; what somebody made into something of another kind is thrown away, and written anew. */
export async function orAnew<T>(redis: Redis, key: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isOfAnotherKind(error)) throw error
  }
  await redis.unlink(key)
  return write()
}

/** Whether Redis refused a command for the kind of its key. */
export function isOfAnotherKind(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE')
}

/** What the client says of a connection that is away speaks of its own settings. */
function nameRefusal(said: string): string {
  if (/enableOfflineQueue|Connection is closed/.test(said)) return 'Redis is away'
  if (said === 'Command timed out') return 'Redis does not answer in time'
  return `Redis cannot do it now: ${said}`
}
