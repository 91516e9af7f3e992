import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'
import { SetupError } from './say.mjs'

const oldestRedis = 7

function readRedisMajor() {
  const version = /\bv=(\d+)/.exec(readCommand('redis-server', ['--version']) ?? '')?.[1]
  return version === undefined ? undefined : Number(version)
}

/** Makes sure that `redis-server` is on PATH and new enough. */
export async function setUpRedis() {
  if (readRedisMajor() === undefined) {
    await installDebianPackage('redis-server', `Redis ${oldestRedis} or newer`)
  }
  const major = readRedisMajor()
  if (major === undefined || major < oldestRedis) {
    throw new SetupError(
      `redis-server is version ${major ?? 'unknown'}; ${oldestRedis} or newer is needed. Install a newer one, or set REDIS_URL.`,
    )
  }
}
