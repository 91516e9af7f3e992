import { HubError } from '../errors.ts'

/** One that is in a tree, or in a tree below it, and is no tree itself. */
export interface TreeRecord {
  /** As Git writes it: `100644`. */
  readonly mode: string
  readonly oid: string
  readonly path: string
}

/** A record that can be read. */
export interface TreeEntry {
  readonly path: string
  readonly oid: string
  readonly kind: 'file' | 'link'
}

export const treeLimits = { files: 20_000, bytes: 64 * 1024 * 1024, path: 4096 } as const

const modes: Readonly<Record<string, TreeEntry['kind']>> = {
  '100644': 'file',
  '100755': 'file',
  '100664': 'file',
  '120000': 'link',
}

/**
 * What is in a tree → entries, every name checked: a repository's author chooses them
 * (bad input B7, B10).
 *
 * @throws HubError `source_refused` with one fault for each bad entry
 */
export function parseTreeEntries(records: readonly TreeRecord[]): TreeEntry[] {
  if (records.length > treeLimits.files) {
    throw new HubError(
      'source_refused',
      `${records.length} files; at most ${treeLimits.files} are read: choose a smaller path`,
    )
  }
  const entries: TreeEntry[] = []
  const faults: { file: string; message: string }[] = []
  for (const { mode, oid, path } of records) {
    const kind = modes[mode]
    const wrong =
      mode === '160000'
        ? 'is a submodule; submodules are not read: declare it as its own Repository'
        : kind === undefined
          ? `has the unknown mode ${mode}`
          : whyBadPath(path)
    if (wrong) faults.push({ file: printable(path), message: wrong })
    else if (kind) entries.push({ path, oid, kind })
  }
  if (faults.length > 0) throw refused(faults)
  return entries
}

/** Why a file is not read that Git LFS keeps elsewhere (bad input B11). */
export const largeFile = 'is a Git LFS pointer; LFS content is not read: commit the file itself'

/** Why this path is not read, or undefined. */
export function whyBadPath(path: string): string | undefined {
  if (Buffer.byteLength(path) > treeLimits.path) return `is longer than ${treeLimits.path} bytes`
  if (path.includes('\uFFFD')) return 'is not UTF-8'
  if (/[\p{Cc}\\]/u.test(path)) return 'has a control character or backslash in its name'
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'has an empty, . or .. part'
    // What NTFS and HFS+ would take for .git.
    const folded = part
      .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
      .toLowerCase()
    if (/^(\.git|git~\d+)[. ]*$/.test(folded)) return 'has a part that is .git by another name'
  }
  return undefined
}

/** Faults in files of a tree, as one error. */
export function refused(faults: readonly { file: string; message: string }[]): HubError {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  return new HubError('source_refused', `${first?.file} ${first?.message}${more}`, {
    faults: faults.slice(0, 100),
  })
}

function printable(path: string): string {
  return JSON.stringify(path.slice(0, 200)).slice(1, -1)
}
