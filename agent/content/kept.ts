import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { AgentError } from '../errors.ts'
import type { ContentCache } from '../trust/state.ts'
import { createTurns } from '../trust/turns.ts'
import { type Shelf, packShelf, shelfBytes, shelfContentBytes, unpackShelf } from './shelf.ts'

export interface KeptContentDeps {
  /** The disk: read first, and written first. */
  readonly near: ContentCache
  /** Where content outlives the disk; all of them are read before any is written. */
  readonly shelves: readonly Shelf[]
  readonly log: { warn(fields: object, message: string): void }
}

interface Blob {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/**
 * Content on disk, and once more where it outlives the disk, so that a pod that comes up elsewhere
 * goes on with nobody to ask. What is read back is believed no more than what a hub sends: a blob is
 * the one its bytes hash to. A change rewrites the shelf with most room and leaves the others alone.
 *
 * What cannot be kept does not stop what is accepted: the disk has it.
 */
export function createKeptContent(deps: KeptContentDeps): ContentCache {
  const { near, shelves, log } = deps
  const turns = createTurns()
  /** Which shelf has a blob, and what the blob adds to it. */
  const index = new Map<Digest, { readonly shelf: number; readonly size: number }>()
  /** What the disk would not take back from the shelves. */
  const held = new Map<Digest, Uint8Array>()
  let opened: Promise<void> | undefined
  /** What must not be dropped from the shelves; all of it before anything is known. */
  let needed: ReadonlySet<Digest> | undefined
  let warned = ''

  const open = (): Promise<void> => (opened ??= readAll())

  async function readAll(): Promise<void> {
    try {
      for (const [shelf] of shelves.entries()) {
        for (const blob of await readShelf(shelf)) {
          index.set(blob.digest, { shelf, size: blob.bytes.byteLength })
          await restore(blob)
        }
      }
    } catch (error) {
      opened = undefined
      throw error
    }
  }

  async function readShelf(shelf: number): Promise<readonly Blob[]> {
    const packed = await shelves[shelf]!.read()
    try {
      const blobs = await unpackShelf(packed ?? new Uint8Array())
      return blobs.map((bytes) => ({ digest: digestOf(bytes), bytes }))
    } catch (error) {
      log.warn({ err: error, shelf: shelves[shelf]!.label }, 'kept content cannot be read')
      return []
    }
  }

  async function restore({ digest, bytes }: Blob): Promise<void> {
    if (await near.has(digest)) return
    await near.write(digest, bytes).catch(() => held.set(digest, Buffer.from(bytes)))
  }

  async function readBack(digest: Digest, fault: unknown): Promise<Uint8Array> {
    await open()
    const known = held.get(digest)
    if (known) return known
    const place = index.get(digest)
    if (!place) throw fault
    // It was on disk before, and was lost or damaged there since.
    const found = (await readShelf(place.shelf)).find((blob) => blob.digest === digest)
    if (!found) throw fault
    await restore(found)
    return found.bytes
  }

  async function read(digest: Digest): Promise<Uint8Array> {
    try {
      return await near.read(digest)
    } catch (fault) {
      return readBack(digest, fault)
    }
  }

  const isNeeded = (digest: Digest): boolean => needed?.has(digest) ?? true
  const sizeOf = (shelf: number): number =>
    [...index].reduce(
      (sum, [digest, place]) =>
        place.shelf === shelf && isNeeded(digest) ? sum + place.size : sum,
      0,
    )

  /** As many more blobs as the shelf holds beside what it must keep; returns those that are left. */
  async function fill(shelf: number, wanted: readonly Blob[]): Promise<readonly Blob[]> {
    const stays: Blob[] = []
    for (const [digest, place] of index) {
      if (place.shelf !== shelf || !isNeeded(digest)) continue
      stays.push({ digest, bytes: await read(digest) })
    }
    let room = shelfContentBytes - stays.reduce((sum, { bytes }) => sum + bytes.byteLength + 4, 0)
    let count = 0
    while (count < wanted.length && wanted[count]!.bytes.byteLength + 4 <= room) {
      room -= wanted[count]!.bytes.byteLength + 4
      count += 1
    }
    for (; count > 0; count = Math.floor(count / 2)) {
      const blobs = [...stays, ...wanted.slice(0, count)]
      const packed = await packShelf(blobs.map(({ bytes }) => bytes))
      if (packed.byteLength > shelfBytes) continue
      await shelves[shelf]!.write(packed)
      for (const [digest, place] of index) if (place.shelf === shelf) index.delete(digest)
      for (const { digest, bytes } of blobs) index.set(digest, { shelf, size: bytes.byteLength })
      return wanted.slice(count)
    }
    return wanted
  }

  async function keepAll(digests: ReadonlySet<Digest>): Promise<void> {
    await open()
    needed = new Set([...(needed ?? index.keys()), ...digests])
    const lacking: Blob[] = []
    for (const digest of digests) {
      if (!index.has(digest)) lacking.push({ digest, bytes: await read(digest) })
    }
    let left: readonly Blob[] = lacking
    const emptiestFirst = shelves
      .map((_, shelf) => ({ shelf, size: sizeOf(shelf) }))
      .sort((a, b) => a.size - b.size)
    for (const { shelf } of emptiestFirst) {
      if (left.length === 0) break
      left = await fill(shelf, left)
    }
    if (left.length > 0) {
      const bytes = left.reduce((sum, blob) => sum + blob.bytes.byteLength, 0)
      warn(`${left.length} objects of ${bytes} bytes do not fit where content is kept`)
    } else warned = ''
  }

  /** Once for each fault, not for each snapshot. */
  function warn(fault: string): void {
    if (fault === warned) return
    warned = fault
    log.warn({ fault }, 'not all content outlives the disk of this agent')
  }

  return {
    read,
    write: (digest, bytes) => near.write(digest, bytes),

    async has(digest) {
      if (await near.has(digest)) return true
      await open().catch((error: unknown) => warn((error as Error).message))
      return held.has(digest) || near.has(digest)
    },

    async keep(digests) {
      try {
        await turns.take(() => keepAll(digests))
      } catch (error) {
        if (error instanceof AgentError && error.code === 'another_agent') throw error
        warn((error as Error).message)
      }
    },

    fault: () => warned,

    async sweep(keep) {
      needed = keep
      for (const digest of held.keys()) if (!keep.has(digest)) held.delete(digest)
      await near.sweep(keep)
    },
  }
}
