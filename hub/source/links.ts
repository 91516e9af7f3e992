import { posix } from 'node:path'
import type { TreeEntry } from './tree-entries.ts'

const maxHops = 8

/** A link's end, or why it has none. */
export type LinkEnd = { readonly entry: TreeEntry } | { readonly fault: string }

/**
 * Follows a symlink inside a tree, by names only: nothing is ever opened. Links to a file of the
 * same tree are good; links out of it, to directories, to nothing and in circles are faults
 * (bad input B1–B6).
 *
 * @param targets what each link's blob holds, by the link's path
 */
export function followLink(
  link: TreeEntry,
  entries: ReadonlyMap<string, TreeEntry>,
  targets: ReadonlyMap<string, string>,
): LinkEnd {
  let at = link
  for (let hop = 0; hop < maxHops; hop += 1) {
    const target = targets.get(at.path) ?? ''
    if (target === '' || target.length > 4096 || /[\p{Cc}\\]/u.test(target)) {
      return { fault: 'is a symlink to an impossible name' }
    }
    if (posix.isAbsolute(target))
      return { fault: 'is a symlink out of the tree; only links to files beside it are read' }
    const path = posix.join(posix.dirname(at.path), target)
    if (path === '..' || path.startsWith('../')) {
      return { fault: 'is a symlink out of the tree; only links to files beside it are read' }
    }
    const next = entries.get(path)
    if (!next) {
      const directory = [...entries.keys()].some((name) => name.startsWith(`${path}/`))
      return {
        fault: directory
          ? 'is a symlink to a directory; name the directory itself instead'
          : 'is a symlink to a file that is not there',
      }
    }
    if (next.kind === 'file') return { entry: next }
    at = next
  }
  return { fault: `is a symlink that goes round in circles or through more than ${maxHops} others` }
}
