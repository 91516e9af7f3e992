import { Redis } from 'ioredis'

export interface Poison extends AsyncDisposable {
  /** Rewrites one key at random; says what it did. */
  strike(): Promise<string>
  /** Makes each key into one of another kind, or into noise of its own. */
  turnAll(into: 'other kind' | 'noise'): Promise<void>
}

const types = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const

/** Somebody who may write to Redis, and does; `random` in [0, 1) makes it repeatable. */
export function createPoison(url: string, random: () => number): Poison {
  const redis = new Redis(url)
  redis.on('error', () => {})
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  const noise = (): Buffer =>
    Buffer.from(Array.from({ length: 1 + Math.floor(random() * 60) }, () => random() * 256))

  async function overwrite(key: string, type: string): Promise<void> {
    await redis.del(key)
    if (type === 'hash') await redis.hset(key, 'run', noise(), 'version', noise())
    else if (type === 'list') await redis.rpush(key, noise())
    else if (type === 'set') await redis.sadd(key, noise())
    else if (type === 'zset') await redis.zadd(key, 1, noise())
    else if (type === 'stream') await redis.xadd(key, '*', 'event', noise())
    else await redis.set(key, noise())
  }

  /** One value of a hash, or the string, with a byte of it changed: still looks right. */
  async function flip(key: string, type: string): Promise<void> {
    const change = (value: Buffer): Buffer => {
      const changed = Buffer.from(value)
      const at = Math.floor(random() * changed.byteLength)
      if (changed.byteLength > 0) changed[at] = changed[at]! ^ (1 + Math.floor(random() * 255))
      return changed
    }
    if (type === 'hash') {
      const field = pick(await redis.hkeys(key))
      const value = field && (await redis.hgetBuffer(key, field))
      if (field && value) await redis.hset(key, field, change(value))
    } else if (type === 'string') {
      const value = await redis.getBuffer(key)
      if (value) await redis.set(key, change(value))
    } else await overwrite(key, type)
  }

  async function strike(): Promise<string> {
    const keys = (await redis.keys('*')).sort()
    const key = pick(keys)
    if (key === undefined) return 'nothing to strike'
    const type = await redis.type(key)
    const way = pick(['delete', 'noise', 'other type', 'swap', 'flip', 'flip'] as const)!
    if (way === 'delete') await redis.del(key)
    else if (way === 'noise') await overwrite(key, type)
    else if (way === 'other type') await overwrite(key, pick(types)!)
    else if (way === 'flip') await flip(key, type)
    else {
      const same: string[] = []
      for (const other of keys) {
        if (other !== key && (await redis.type(other)) === type) same.push(other)
      }
      const other = pick(same)
      if (other) await redis.copy(other, key, 'REPLACE')
    }
    return `${way} ${key}`
  }

  return {
    // The hub writes too: a key may have become another between a look and a strike.
    strike: () => strike().catch((error: unknown) => `missed: ${(error as Error).message}`),
    async turnAll(into) {
      for (const key of await redis.keys('*')) {
        const type = await redis.type(key)
        const other = type === 'set' ? 'list' : 'set'
        await overwrite(key, into === 'noise' ? type : other)
      }
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect()
    },
  }
}
