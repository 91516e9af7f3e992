import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Redis } from 'ioredis'

/** Every file below a directory that `keep` lets through, compressed ones unpacked. */
export async function readFiles(
  directory: string,
  keep: (path: string) => boolean = () => true,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || !keep(path)) continue
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
    found.set(path, (isPacked ? gunzipSync(bytes) : bytes).toString('latin1'))
  }
  return found
}

/** Every key of a Redis and what is in it, as text. */
export async function readRedis(url: string): Promise<Map<string, string>> {
  const redis = new Redis(url)
  const found = new Map<string, string>()
  try {
    for (const key of await redis.keys('*')) found.set(key, await readKey(redis, key))
  } finally {
    redis.disconnect()
  }
  return found
}

async function readKey(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.getBuffer(key))?.toString('latin1') ?? ''
    case 'hash':
      return JSON.stringify(await redis.hgetall(key))
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1))
    case 'set':
      return JSON.stringify(await redis.smembers(key))
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1', 'WITHSCORES'))
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+', 'COUNT', 100_000))
    default:
      return ''
  }
}
