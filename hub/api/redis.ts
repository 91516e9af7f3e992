import type { Redis } from 'ioredis'
import { translateRedis } from '../redis.ts'
import type { IdempotencyStore, Outcome } from './idempotency.ts'

/** Seconds; Redis forgets them by itself. */
const keptSeconds = 24 * 3_600
/** Seconds after which one that a crash left behind is free again. */
const runningSeconds = 120

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
    async settle(key, outcome) {
      await redis.set(name(key), JSON.stringify(outcome), 'EX', keptSeconds)
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
