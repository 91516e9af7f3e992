import { HubError } from '../errors.ts'
import { parseTree } from './commit.ts'
import type { ObjectReader } from './process.ts'

/** A name within one directory. */
interface Member {
  readonly oid: string
  /** As Git writes it: `100644`, and `treeMode` for a directory. */
  readonly mode: string
}

export type Directory = ReadonlyMap<string, Member>

export const treeMode = '40000'

/** Finds directories of commits by their path, from tree objects that are read once each. */
export interface TreeIndex {
  /**
   * Id of the tree at a path (`.` for the root); undefined where there is none. Files that are not
   * committed have no commit: then `commit` is the id of their tree.
   */
  findTree(commit: string, path: string): Promise<string | undefined>
}

/** Names of all directories that are kept together, some 200 bytes each. */
const keptNames = 200_000
const keptRoots = 256
const objectBytes = 16 * 1024 * 1024

/**
 * Most commits change a few directories of many, and the others are known by their ids: where a
 * thousand applications look for theirs, Git is asked for what is new alone.
 */
export function createTreeIndex(objects: Pick<ObjectReader, 'inspect' | 'read'>): TreeIndex {
  /** Tree of a commit. */
  const roots = new Map<string, string>()
  /** By id, the last used last. */
  const directories = new Map<string, Directory>()
  const reading = new Map<string, Promise<Directory | undefined>>()
  let names = 0

  async function findRoot(commit: string): Promise<string | undefined> {
    const known = roots.get(commit)
    if (known !== undefined) return known
    const [bytes] = await objects.read([commit], objectBytes)
    const root = bytes && parseTree(bytes.toString('latin1'))
    if (root === undefined) {
      const [found] = await objects.inspect([commit])
      return found?.type === 'tree' ? commit : undefined
    }
    roots.set(commit, root)
    if (roots.size > keptRoots) roots.delete(roots.keys().next().value!)
    return root
  }

  async function openDirectory(oid: string): Promise<Directory | undefined> {
    const known = directories.get(oid)
    if (known) {
      directories.delete(oid)
      directories.set(oid, known)
      return known
    }
    const read = reading.get(oid) ?? readDirectory(oid)
    reading.set(oid, read)
    return read.finally(() => reading.delete(oid))
  }

  async function readDirectory(oid: string): Promise<Directory | undefined> {
    const [bytes] = await objects.read([oid], objectBytes)
    if (!bytes) return undefined
    const directory = parseTreeObject(bytes)
    directories.set(oid, directory)
    names += directory.size
    for (const [oldest, { size }] of directories) {
      if (names <= keptNames || oldest === oid) break
      directories.delete(oldest)
      names -= size
    }
    return directory
  }

  return {
    async findTree(commit, path) {
      let oid = await findRoot(commit)
      if (path === '.') return oid
      for (const part of path.split('/')) {
        const member = oid === undefined ? undefined : (await openDirectory(oid))?.get(part)
        oid = member?.mode === treeMode ? member.oid : undefined
      }
      return oid
    },
  }
}

/**
 * A tree object: mode, name and 20 bytes of id for each member.
 *
 * @throws HubError `internal` for what is none: half a tree would look as if files were deleted
 */
export function parseTreeObject(bytes: Buffer): Map<string, Member> {
  const members = new Map<string, Member>()
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, space + 1)
    const mode = bytes.toString('latin1', at, Math.max(space, at))
    if (space < 0 || end < 0 || end + 21 > bytes.length || !/^[0-7]{5,6}$/.test(mode)) {
      throw new HubError('internal', 'a tree is no tree; the mirror may be damaged')
    }
    const name = bytes.toString('utf8', space + 1, end)
    members.set(name, { oid: bytes.toString('hex', end + 1, end + 21), mode })
    at = end + 21
  }
  return members
}
