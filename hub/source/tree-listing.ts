import { HubError } from '../errors.ts'
import type { ObjectReader } from './process.ts'
import { type TreeRecord, treeLimits } from './tree-entries.ts'
import { type Directory, parseTreeObject, treeMode } from './tree-index.ts'

/** Of all tree objects below one, together; a tree may name the same one again and again. */
const listingBytes = 16 * 1024 * 1024
/** What a record has beside its path. */
const recordBytes = 54
/** A path has no more parts than half its bytes. */
const deepest = treeLimits.path / 2

/**
 * All that is below a tree, as `git ls-tree -r` has it and in its order, by the Git process that is
 * there: starting another takes a large hub longer than all of this. Levels are read one by one, each
 * at once.
 *
 * @throws HubError `source_refused` when it is too much, `internal` when the mirror lacks a tree: a
 *   listing that is not whole would look as if files were deleted
 */
export async function listTree(
  objects: Pick<ObjectReader, 'read'>,
  id: string,
): Promise<TreeRecord[]> {
  const trees = await readTrees(objects, id)
  const records: TreeRecord[] = []
  let left = listingBytes
  const visit = (oid: string, above: string): void => {
    for (const [name, member] of trees.get(oid)!) {
      const path = above + name
      left -= Buffer.byteLength(path) + recordBytes
      if (left < 0) throw tooMany()
      if (member.mode === treeMode) visit(member.oid, `${path}/`)
      else records.push({ ...member, path })
    }
  }
  visit(id, '')
  return records
}

async function readTrees(
  objects: Pick<ObjectReader, 'read'>,
  id: string,
): Promise<Map<string, Directory>> {
  const trees = new Map<string, Directory>()
  let [level, left, depth] = [[id], listingBytes, 0]
  while (level.length > 0) {
    if (depth++ > deepest)
      throw new HubError('source_refused', 'directories are too deep in others')
    const below = new Set<string>()
    const found = await objects.read(level, left)
    for (const [index, oid] of level.entries()) {
      const bytes = found[index]
      if (!bytes) throw new HubError('internal', 'a tree is missing; the mirror may be damaged')
      left -= bytes.byteLength
      const members = parseTreeObject(bytes)
      trees.set(oid, members)
      for (const member of members.values()) if (member.mode === treeMode) below.add(member.oid)
    }
    level = [...below].filter((oid) => !trees.has(oid))
  }
  return trees
}

function tooMany(): HubError {
  return new HubError('source_refused', 'too many files; choose a smaller path')
}
