import type { Redis } from 'ioredis'
import { orLost, translateRedis } from '../redis.ts'
import type { IdempotencyStore, Outcome } from './idempotency.ts'

/** Seconds; Redis forgets them by itself. */
const keptSeconds = 24 * 3_600
/** Seconds after which one that a crash left behind is free again. */
const runningSeconds = 120
/** Answers of one caller. One may be long, and a Redis that is full takes no decision any more (I9). */
const mostKept = 200
/** Of older ones it is kept that they were given: who tries many calls again has none carried out twice. */
const mostDone = 5_000

/** Nothing is decided by what is kept here: only whether something is done a second time. */
export function createIdempotencyStore(redis: Redis, prefix: string): IdempotencyStore {
  const name = (key: string): string => `${prefix}:idempotency:${key}`

  /** Puts more at the end of a list, and takes from its beginning what is more than so many. */
  async function queue(list: string, most: number, more: readonly string[]): Promise<string[]> {
    const pushed = redis
      .multi()
      .rpush(list, ...more)
      .expire(list, keptSeconds)
    const [error, count] = (await translateRedis(pushed.exec()))?.[0] ?? []
    if (!error) {
      const tooMany = Number(count) - most
      return tooMany > 0 ? ((await translateRedis(redis.lpop(list, tooMany))) ?? []) : []
    }
    // Somebody else wrote there: what was done is done, and counting begins anew.
    await translateRedis(redis.unlink(list))
    return []
  }

  return {
    async claim(key, asked) {
      const running: Outcome = { asked, answer: null }
      const claiming = redis.set(
        ...([name(key), JSON.stringify(running), 'EX', runningSeconds, 'NX', 'GET'] as const),
      )
      const before = await translateRedis(orLost(claiming, ''))
      return before === null ? null : readOutcome(before)
    },
    async settle(key, outcome, caller) {
      const { asked, answer } = outcome
      const kept = JSON.stringify(outcome)
      await translateRedis(redis.set(name(key), kept, 'EX', keptSeconds))
      const line = `${key} ${asked} ${answer?.status}`
      const older = await queue(`${prefix}:idempotency-of:${caller}`, mostKept, [line])
      if (older.length === 0) return
      for (const one of older) {
        const [before = '', asked = '', status] = one.split(' ')
        const done: Outcome = { asked, answer: { status: Number(status), body: '' } }
        await translateRedis(redis.set(name(before), JSON.stringify(done), 'KEEPTTL', 'XX'))
      }
      const keys = older.map((one) => one.split(' ', 1)[0]!)
      const oldest = await queue(`${prefix}:idempotency-done-of:${caller}`, mostDone, keys)
      if (oldest.length > 0) await translateRedis(redis.unlink(oldest.map(name)))
    },
    async release(key) {
      await redis.del(name(key))
    },
  }
}

/** What cannot be read was written by somebody else: it answers nobody. */
function readOutcome(text: string): Outcome {
  try {
    const { asked, answer } = JSON.parse(text) as Partial<Outcome>
    const { status, body } = answer ?? {}
    const sound = Number.isInteger(status) && status! >= 200 && status! < 300
    if (typeof asked !== 'string') return { asked: '', answer: null }
    return { asked, answer: sound && typeof body === 'string' ? { status: status!, body } : null }
  } catch {
    return { asked: '', answer: null }
  }
}
