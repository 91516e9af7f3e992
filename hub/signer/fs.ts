import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceFile } from '@groundswell/proto/fs.ts'
import { parse } from 'yaml'
import { HubError } from '../errors.ts'
import { type SignerPolicy, openPolicy, parsePolicy } from './policy.ts'
import {
  type SignerEntry,
  type SignerState,
  dropUnused,
  emptyRecord,
  foldSignerEntry,
  listEntries,
} from './record.ts'

export interface SignerRecord {
  readonly state: SignerState
  /** Those that wait together share one write and one fsync. */
  append(entry: SignerEntry): Promise<void>
  close(): Promise<void>
}

/**
 * A name that goes with a signer's record, wherever it is moved: front ends that have one record in common know it by
 * this. Made where there is none.
 */
export async function readSignerName(directory: string, random: () => string): Promise<string> {
  const path = join(directory, 'name')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(path, `${random()}\n`, { flag: 'wx', mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  return (await readFile(path, 'utf8')).trim()
}

/** The file is made small again when it has grown to this many times what it holds. */
const growth = 4
const smallestBytes = 4 * 1024 * 1024
const mostWaiting = 20_000

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Opens the signer's record: JSON lines, synced before what they say leaves. A last line without
 * its line feed was never acknowledged and is cut off.
 *
 * @throws HubError `config_invalid` for a damaged file: without its record a signer must not sign
 */
export async function openSignerRecord(path: string): Promise<SignerRecord> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const state = emptyRecord()
  const lines = (text ?? '').split('\n').slice(0, -1)
  for (const [at, line] of lines.entries()) {
    try {
      foldSignerEntry(state, JSON.parse(line) as SignerEntry)
    } catch (cause) {
      throw new HubError(
        'config_invalid',
        `${path}: line ${at + 1} is damaged; restore it, or remove it knowing that the signer then trusts the ledger once`,
        { cause },
      )
    }
  }
  let file = await rewrite(path, state)
  let size = (await file.stat()).size
  let least = Math.max(size * growth, smallestBytes)
  let waiting: Waiting[] = []
  let flushing: Promise<void> | undefined
  let closed = false

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        const bytes = Buffer.from(batch.map(({ line }) => line).join(''))
        await file.appendFile(bytes)
        await file.datasync()
        size += bytes.length
        for (const { resolve } of batch) resolve()
      } catch (cause) {
        await file.truncate(size).catch(() => undefined)
        const error = new HubError('signer_unavailable', `${path} cannot be written`, { cause })
        for (const { reject } of batch) reject(error)
      }
      // Those that were just let go have been folded in by the next turn of the loop.
      await new Promise(setImmediate)
      if (size > least && waiting.length === 0) await shrink()
    }
    flushing = undefined
  }

  async function shrink(): Promise<void> {
    dropUnused(state)
    const next = await rewrite(path, state)
    await file.close()
    file = next
    size = (await file.stat()).size
    least = Math.max(size * growth, smallestBytes)
  }

  return {
    state,
    append(entry) {
      if (closed || waiting.length >= mostWaiting) {
        return Promise.reject(
          new HubError('signer_unavailable', 'the signer cannot write this down now'),
        )
      }
      return new Promise((resolve, reject) => {
        waiting.push({ line: `${JSON.stringify(entry)}\n`, resolve, reject })
        flushing ??= flush()
      })
    },
    async close() {
      closed = true
      await flushing
      await file.close()
    },
  }
}

/** The whole state in a new file, in the place of the old one once it is on the disk. */
async function rewrite(path: string, state: SignerState): Promise<FileHandle> {
  const lines = listEntries(state).map((entry) => `${JSON.stringify(entry)}\n`)
  await replaceFile(path, lines.join(''))
  return open(path, 'a')
}

/** @throws HubError `config_invalid` with every fault */
export async function readSignerPolicy(path: string | undefined): Promise<SignerPolicy> {
  if (path === undefined) return openPolicy
  try {
    return parsePolicy(parse(await readFile(path, 'utf8')), path)
  } catch (cause) {
    if (cause instanceof HubError) throw cause
    throw new HubError('config_invalid', `${path}: ${(cause as Error).message}`, { cause })
  }
}
