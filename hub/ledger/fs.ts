import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { HubError } from '../errors.ts'
import { type ChainHead, emptyChain, extendChain, followChain, parseEntry } from './chain.ts'
import type { Decision, LedgerEntry, ReplicatedLedger } from './entry.ts'
import { createLineMarks, type LineMarks } from './line-marks.ts'

/** The ledger's file. Appends that wait together share one write and one fsync. */
export interface Journal extends ReplicatedLedger {
  /** Bytes of an unfinished last line that were cut off when it was opened; 0 when it was whole. */
  readonly torn: number
  /** Bytes of all lines up to `end`. */
  readonly size: number
}

/** Appends that may wait for the disk at once; more are refused. */
const maxWaiting = 10_000

/** Lines about to be written, and where the chain is before and after them. */
export interface Appending {
  readonly from: ChainHead
  readonly to: ChainHead
  readonly lines: readonly string[]
}

/** Asked before our own appends are written; what it throws refuses them. */
export type Admit = (appending: Appending) => Promise<void>

interface Waiting {
  readonly actor: string
  readonly decisions: readonly Decision[]
  readonly resolve: (entries: readonly LedgerEntry[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Opens, checks and repairs the file: a last line without its line feed was never acknowledged
 * and is cut off.
 *
 * @throws HubError `ledger_corrupt` naming the first line that breaks the chain,
 *   `ledger_unwritable` when the file cannot be opened.
 */
export async function openJournal(
  path: string,
  clock: () => number,
  admit: Admit = async () => {},
): Promise<Journal> {
  const file = await openFile(path)
  try {
    const marks = createLineMarks()
    const { head, size } = await verify(path, marks)
    const torn = (await file.stat()).size - size
    if (torn > 0) {
      await file.truncate(size)
      await file.sync()
    }
    return createJournal({ path, file, head, size, marks, torn, clock, admit })
  } catch (error) {
    await file.close()
    throw error
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a+')
    // The name must survive a power cut as well as the bytes.
    const directory = await open(dirname(path), 'r')
    await directory.sync()
    await directory.close()
    return file
  } catch (cause) {
    throw new HubError('ledger_unwritable', `the ledger ${path} cannot be opened`, { cause })
  }
}

/** Follows the whole chain; the size is that of the complete lines. */
async function verify(path: string, marks: LineMarks): Promise<{ head: ChainHead; size: number }> {
  let head = emptyChain
  let size = 0
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10, start)) {
      head = followChain(head, rest.toString('utf8', start, end)).head
      size += end + 1 - start
      start = end + 1
      marks.note({ after: head.index, offset: size })
    }
    rest = rest.subarray(start)
  }
  return { head, size }
}

function createJournal(start: {
  readonly path: string
  readonly file: FileHandle
  readonly head: ChainHead
  readonly size: number
  readonly marks: LineMarks
  readonly torn: number
  readonly clock: () => number
  readonly admit: Admit
}): Journal {
  const { path, file, marks, clock, torn, admit } = start
  let { head, size } = start
  let waiting: Waiting[] = []
  let flushing: Promise<void> | null = null
  let closed = false

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const at = clock()
      let end = head
      const made = batch.map(({ actor, decisions }) => {
        const extended = extendChain(end, at, actor, decisions)
        end = extended.head
        return extended
      })
      const lines = made.flatMap((one) => one.lines)
      try {
        await admit({ from: head, to: end, lines })
        await write(lines, end)
        batch.forEach(({ resolve }, index) => resolve(made[index]!.entries))
      } catch (cause) {
        const error =
          cause instanceof HubError
            ? cause
            : new HubError('ledger_unwritable', `the ledger ${path} cannot be written`, { cause })
        for (const { reject } of batch) reject(error)
      }
    }
    flushing = null
  }

  async function write(lines: readonly string[], end: ChainHead): Promise<void> {
    const parts = lines.map((line) => Buffer.from(`${line}\n`))
    await writeAll(Buffer.concat(parts))
    let after = head.index
    // No wait from here on: who looks sees both where the chain ends and how many bytes that is.
    for (const part of parts) {
      after += 1
      size += part.length
      marks.note({ after, offset: size })
    }
    head = end
  }

  async function follow(lines: readonly string[]): Promise<LedgerEntry[]> {
    let end = head
    const entries = lines.map((line) => {
      const followed = followChain(end, line)
      end = followed.head
      return followed.entry
    })
    await write(lines, end)
    return entries
  }

  async function writeAll(bytes: Buffer): Promise<void> {
    const mine = await file.stat()
    if (mine.size !== size) {
      throw new HubError(
        'ledger_unwritable',
        `the ledger ${path} has ${mine.size} bytes where this hub wrote ${size}: another process writes it`,
      )
    }
    // What is written to a file without a name is gone with this process.
    const named = await stat(path).catch(() => undefined)
    if (named?.ino !== mine.ino || named.dev !== mine.dev) {
      throw new HubError(
        'ledger_unwritable',
        `the ledger ${path} was replaced or removed while this hub wrote it, and nothing is decided any more: stop the hub, see to it that the file is the one that counts, and start it again`,
      )
    }
    try {
      await file.appendFile(bytes)
      await file.datasync()
    } catch (error) {
      // Whatever part arrived was not acknowledged, and the next append must continue the chain.
      await file.truncate(size).catch(() => undefined)
      throw error
    }
  }

  return {
    torn,
    get head() {
      return head.index
    },
    get end() {
      return head
    },
    get size() {
      return size
    },
    async adopt(lines) {
      if (flushing) await flushing
      if (closed) throw new HubError('ledger_unwritable', 'the ledger is closed')
      const following = follow(lines)
      flushing = following.then(flush, flush)
      return following
    },
    append(actor, decisions) {
      if (closed) return Promise.reject(new HubError('ledger_unwritable', 'the ledger is closed'))
      if (waiting.length >= maxWaiting) {
        return Promise.reject(
          new HubError('ledger_unwritable', `${maxWaiting} appends already wait for the disk`),
        )
      }
      return new Promise((resolve, reject) => {
        waiting.push({ actor, decisions, resolve, reject })
        flushing ??= flush()
      })
    },
    async *read(after = 0) {
      if (size === 0) return
      const from = marks.before(after)
      if (from.offset >= size) return
      const stream = createReadStream(path, { start: from.offset, end: size - 1 })
      let number = from.after
      try {
        for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
          number += 1
          if (number > after) yield parseEntry(line, number)
        }
      } finally {
        if (!stream.closed) {
          stream.destroy()
          await once(stream, 'close')
        }
      }
    },
    async close() {
      if (closed) return
      closed = true
      await flushing
      await file.close()
    },
  }
}
