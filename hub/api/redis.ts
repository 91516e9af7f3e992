import type { Redis } from 'ioredis'
import { translateRedis } from '../redis.ts'
import type { IdempotencyStore, Outcome } from './idempotency.ts'

/** Seconds; Redis forgets them by itself. */
const keptSeconds = 24 * 3_600
/** Seconds after which one that a crash left behind is free again. */
const runningSeconds = 120
/** Of one caller. An answer may be long, and a Redis that is full takes no decision any more (I9). */
const mostKept = 200

/** Nothing is decided by what is kept here: only whether something is done a second time. */
export function createIdempotencyStore(redis: Redis, prefix: string): IdempotencyStore {
  const name = (key: string): string => `${prefix}:idempotency:${key}`
  return {
    async claim(key, asked) {
      const running: Outcome = { asked, answer: null }
      const before = await translateRedis(
        redis.set(
          ...([name(key), JSON.stringify(running), 'EX', runningSeconds, 'NX', 'GET'] as const),
        ),
      )
      return before === null ? null : readOutcome(before)
    },
    async settle(key, outcome, caller) {
      const mine = `${prefix}:idempotency-of:${caller}`
      const answers = await translateRedis(
        redis
          .multi()
          .set(name(key), JSON.stringify(outcome), 'EX', keptSeconds)
          .rpush(mine, key)
          .expire(mine, keptSeconds)
          .exec(),
      )
      const [error, count] = answers?.[1] ?? []
      // Somebody else wrote there: what was done is done, and counting begins anew.
      if (error) return void (await translateRedis(redis.unlink(mine)))
      const tooMany = Number(count) - mostKept
      if (tooMany <= 0) return
      const oldest = (await translateRedis(redis.lpop(mine, tooMany))) ?? []
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
