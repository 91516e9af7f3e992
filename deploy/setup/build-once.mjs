import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from './say.mjs'

const beatMs = 5_000
const staleMs = 60_000

/**
 * Makes a cached directory once, however many processes ask at the same time. The build writes into
 * a temporary directory that is renamed when complete, so a half-built one is never used.
 * @param {string} directory
 * @param {(into: string) => Promise<void>} build
 */
export async function buildOnce(directory, build) {
  if (existsSync(directory)) return
  mkdirSync(dirname(directory), { recursive: true })
  const release = await takeLock(`${directory}.lock`, () => existsSync(directory))
  if (release === undefined) return
  dropHalfBuilt(directory)
  const into = mkdtempSync(`${directory}.building-`)
  try {
    if (existsSync(directory)) return
    await build(into)
    renameSync(into, directory)
  } finally {
    rmSync(into, { recursive: true, force: true })
    release()
  }
}

/**
 * Those of builds that were killed, whose lock we have now.
 * @param {string} directory
 */
function dropHalfBuilt(directory) {
  const [parent, prefix] = [dirname(directory), `${basename(directory)}.building-`]
  for (const name of readdirSync(parent).filter((one) => one.startsWith(prefix))) {
    rmSync(join(parent, name), { recursive: true, force: true })
  }
}

/**
 * @param {string} lock
 * @param {() => boolean} isDone somebody else's build made waiting needless
 * @returns {Promise<(() => void) | undefined>} releases the lock; undefined when `isDone`
 */
async function takeLock(lock, isDone) {
  for (let told = false; ;) {
    if (tryLock(lock)) break
    if (isDone()) return undefined
    if (isStale(lock)) rmSync(lock, { recursive: true, force: true })
    else if (!told) {
      say(`another process is building this; waiting for it (${lock})`)
      told = true
    }
    await sleep(500)
  }
  const beat = setInterval(() => {
    utimesSync(lock, new Date(), new Date())
  }, beatMs)
  return () => {
    clearInterval(beat)
    rmSync(lock, { recursive: true, force: true })
  }
}

/**
 * Renaming a filled directory is atomic and fails when the target has content: a lock is never seen
 * without its owner.
 * @param {string} lock
 */
function tryLock(lock) {
  const mine = mkdtempSync(`${lock}-`)
  writeFileSync(join(mine, 'pid'), String(process.pid))
  try {
    renameSync(mine, lock)
    return true
  } catch {
    rmSync(mine, { recursive: true, force: true })
    return false
  }
}

/** @param {string} lock */
function isStale(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > staleMs) return true
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    // Gone already, or its owner is.
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'EPERM'
  }
}
