import { createHash } from 'node:crypto'
import {
  constants,
  copyFile,
  link,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Either ours until `release`, or somebody's. */
export type DirectoryLock =
  | { readonly held: true; readonly release: () => Promise<void> }
  | { readonly held: false; readonly owner: number }

/** Others may take a stale claim over before us, again and again, but not for ever. */
const attempts = 100
/** Milliseconds until it is looked again at what somebody else removes. */
const removalMs = 20
/** Processes that were killed in the middle of removing what another left, one after the other. */
const deepest = 3

/**
 * Claims a directory for this process, so that two never share what is in it. The claim of a
 * process that is gone, however it went, is taken over.
 *
 * @throws Error of the file system when the directory cannot be written.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'lock')
  const own = `${path}.${process.pid}`
  await writeFile(own, `${process.pid} ${await readStart(process.pid)}\n`, { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (await claim(own, path)) return { held: true, release: () => rm(path, { force: true }) }
      const text = await readFile(path, 'utf8').catch(() => '')
      if (await isAlive(text)) return { held: false, owner: ownerOf(text) }
      await removeStale(own, path, text)
    }
    throw new Error(`${path} cannot be claimed`)
  } finally {
    await rm(own, { force: true })
  }
}

/** A link appears whole or not at all: nobody ever reads half a claim. */
async function claim(own: string, path: string): Promise<boolean> {
  try {
    // Some mounted volumes have no links; a copy is the next best.
    await link(own, path).catch((error: unknown) => {
      if (codeOf(error) === 'EEXIST') throw error
      return copyFile(own, path, constants.COPYFILE_EXCL)
    })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

/**
 * Removes a stale claim and none that has taken its place. Nobody but its owner, who is gone, and who holds
 * the claim on removing just this one may touch it: what is read under that is what is removed.
 */
async function removeStale(own: string, path: string, stale: string, depth = 1): Promise<void> {
  const removal = `${path}.${createHash('sha256').update(stale).digest('hex').slice(0, 16)}`
  if (await claim(own, removal)) {
    const found = await readFile(path, 'utf8').catch(() => undefined)
    if (found === stale) await rm(path, { force: true })
    await rm(removal, { force: true })
    return
  }
  const text = await readFile(removal, 'utf8').catch(() => undefined)
  if (text !== undefined && depth < deepest && !(await isAlive(text))) {
    return removeStale(own, removal, text, depth + 1)
  }
  await new Promise((resolve) => setTimeout(resolve, removalMs))
}

function ownerOf(text: string): number {
  return Number(text.trim().split(' ')[0])
}

async function isAlive(text: string): Promise<boolean> {
  const [pid = '', start = ''] = text.trim().split(' ')
  return start !== '' && (await readStart(Number(pid))) === start
}

/** When a process started: tells it from a later one with the same number. Empty: it is gone. */
async function readStart(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat !== undefined) {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // One that ended and that nobody has asked for yet is gone all the same.
    return fields[0] === 'Z' ? '' : (fields[19] ?? '')
  }
  try {
    // Without /proc, being alive is all that can be known.
    process.kill(pid, 0)
    return 'alive'
  } catch {
    return ''
  }
}

/**
 * Puts something in the place of a file, for its owner alone: whole or not at all, also when the machine
 * goes down.
 *
 * @throws Error of the file system
 */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}
