import { HubError } from '../errors.ts'
import { createTreeIndex } from './tree-index.ts'
import { listTree as listRecords } from './tree-listing.ts'
import { followLink } from './links.ts'
import type { ObjectInfo, ObjectReader } from './process.ts'
import type { Tree, TreeFile } from './source.ts'
import {
  largeFile,
  parseTreeEntries,
  refused,
  type TreeEntry,
  treeLimits,
  whyBadPath,
} from './tree-entries.ts'

/** Reads trees and blobs of one mirror; what the mirror lacks comes in one fetch. */
export interface TreeReader {
  readTree(commit: string, path: string): Promise<Tree>
  readBlobs(oids: readonly string[], limit: number): Promise<Uint8Array[]>
}

export interface TreeReaderOptions {
  readonly name: string
  readonly objects: ObjectReader
  /** Brings blobs the partial mirror left out. */
  readonly fetchMissing: (oids: readonly string[]) => Promise<void>
}

/** Of all trees that are kept together; some 250 bytes each. */
const keptFiles = 200_000
const maxFaults = 100
// An LFS pointer is a short text of a known beginning; shorter or longer it is none.
const pointer = { least: 100, most: 1024, start: 'version https://git-lfs.github.com/spec/' }

/** Trees are kept by id, so another commit with the same directory reads nothing again. */
export function createTreeReader({ name, objects, fetchMissing }: TreeReaderOptions): TreeReader {
  const index = createTreeIndex(objects)
  /** By id, the last used last. */
  const cache = new Map<string, Tree>()
  const listing = new Map<string, Promise<Tree>>()
  let kept = 0

  async function readTree(commit: string, path: string): Promise<Tree> {
    const at = path.replace(/\/+$/, '').replace(/^\.\//, '') || '.'
    const bad = at === '.' ? undefined : whyBadPath(at)
    if (bad)
      throw new HubError(
        'source_refused',
        `repository ${name}: path ${JSON.stringify(path)} ${bad}`,
      )
    const found = await index.findTree(commit, at)
    if (found === undefined) {
      const [root] = await objects.inspect([commit])
      throw new HubError(
        'revision_not_found',
        root?.type === 'commit'
          ? `repository ${name}: there is no directory ${at} at ${commit.slice(0, 7)}`
          : `repository ${name}: commit ${commit.slice(0, 7)} is not in the mirror`,
      )
    }
    try {
      return await openTree(found)
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      const { code, message } = error
      // Files are named within the tree; people look for them in the repository.
      const faults = error.faults.map((fault) =>
        fault.file === undefined || at === '.' ? fault : { ...fault, file: `${at}/${fault.file}` },
      )
      throw new HubError(
        code,
        message.startsWith('repository ')
          ? message
          : `repository ${name}: ${at} at ${commit.slice(0, 7)}: ${message}`,
        { cause: error, faults },
      )
    }
  }

  async function openTree(id: string): Promise<Tree> {
    const known = cache.get(id)
    if (known) {
      cache.delete(id)
      cache.set(id, known)
      return known
    }
    const list = listing.get(id) ?? listTree(id).then(keep)
    listing.set(id, list)
    return list.finally(() => listing.delete(id))
  }

  function keep(tree: Tree): Tree {
    cache.set(tree.id, tree)
    kept += tree.files.length
    for (const [oldest, { files }] of cache) {
      if (kept <= keptFiles || oldest === tree.id) break
      cache.delete(oldest)
      kept -= files.length
    }
    return tree
  }

  async function listTree(id: string): Promise<Tree> {
    const entries = parseTreeEntries(await listRecords(objects, id))
    const sizes = await inspectBlobs(entries.map((entry) => entry.oid))
    let total = 0
    for (const entry of entries) total += sizes.get(entry.oid)!.size
    if (total > treeLimits.bytes) {
      const largest = entries.reduce((most, entry) =>
        sizes.get(entry.oid)!.size > sizes.get(most.oid)!.size ? entry : most,
      )
      const { size } = sizes.get(largest.oid)!
      throw new HubError(
        'source_refused',
        `${total} bytes of files; at most ${treeLimits.bytes} are read: choose a smaller path, or move ${largest.path} (${size} bytes) out of it`,
      )
    }
    const faults: { file: string; message: string }[] = []
    const files = await resolveLinks(entries, sizes, faults)
    await findPointers(files, faults)
    if (faults.length > 0) throw refused(faults)
    return { id, files }
  }

  /** Sizes of blobs, by id; those the mirror lacks are fetched, all at once. */
  async function inspectBlobs(oids: readonly string[]): Promise<Map<string, ObjectInfo>> {
    const wanted = [...new Set(oids)]
    const found = new Map<string, ObjectInfo>()
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const asked = wanted.filter((oid) => !found.has(oid))
      const answers = await objects.inspect(asked)
      answers.forEach((answer) => answer && found.set(answer.oid, answer))
      const missing = asked.filter((oid) => !found.has(oid))
      if (missing.length === 0) return found
      if (attempt === 0) await fetchMissing(missing)
    }
    throw new HubError('source_unreachable', 'the server does not give all blobs of this commit')
  }

  async function resolveLinks(
    entries: readonly TreeEntry[],
    sizes: ReadonlyMap<string, ObjectInfo>,
    faults: { file: string; message: string }[],
  ): Promise<TreeFile[]> {
    const byPath = new Map(entries.map((entry) => [entry.path, entry]))
    const links = entries.filter((entry) => entry.kind === 'link')
    const blobs = await readBlobs(
      links.map((link) => link.oid),
      treeLimits.bytes,
    )
    const targets = new Map(
      links.map((link, index) => [link.path, Buffer.from(blobs[index]!).toString()]),
    )
    const files: TreeFile[] = []
    for (const entry of entries) {
      const end = entry.kind === 'file' ? { entry } : followLink(entry, byPath, targets)
      if ('fault' in end) faults.push({ file: entry.path, message: end.fault })
      else {
        const { oid } = end.entry
        files.push({ path: entry.path, oid, size: sizes.get(oid)!.size })
      }
      if (faults.length >= maxFaults) break
    }
    return files
  }

  async function findPointers(
    files: readonly TreeFile[],
    faults: { file: string; message: string }[],
  ): Promise<void> {
    const suspects = files.filter(({ size }) => size >= pointer.least && size <= pointer.most)
    const blobs = await readBlobs(
      suspects.map((file) => file.oid),
      treeLimits.bytes,
    )
    suspects.forEach((file, index) => {
      const start = Buffer.from(blobs[index]!.subarray(0, pointer.start.length)).toString()
      if (start === pointer.start) {
        faults.push({ file: file.path, message: largeFile })
      }
    })
  }

  async function readBlobs(oids: readonly string[], limit: number): Promise<Uint8Array[]> {
    for (const oid of oids) {
      if (!/^[0-9a-f]{40}$/.test(oid)) throw new HubError('internal', `not a blob id: ${oid}`)
    }
    if (oids.length === 0) return []
    let blobs = await objects.read(oids, limit)
    const missing = [...new Set(oids.filter((_, index) => !blobs[index]))]
    if (missing.length > 0) {
      await fetchMissing(missing)
      blobs = await objects.read(oids, limit)
    }
    return blobs.map((blob) => {
      if (!blob) throw new HubError('source_unreachable', `repository ${name}: a blob is missing`)
      return blob
    })
  }

  return { readTree, readBlobs }
}
