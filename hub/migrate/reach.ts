import { posix } from 'node:path'
import {
  kustomizationFiles,
  listKustomizeReferences,
  readKustomization,
} from '../fleet/input/kustomize-references.ts'
import { listBaseEntries } from '../fleet/input/remote-base.ts'
import type { ForeignDocument } from './foreign-document.ts'
import type { ForeignFile } from './migration.ts'

/** What a path holds, as far as it is among the files. */
export interface Reach {
  /** Files whose objects are applied. */
  readonly applied: ReadonlySet<string>
  /** Files that only change what others hold. */
  readonly patches: ReadonlySet<string>
  /** A kustomization on the way changes objects that others hold. */
  readonly isChanged: boolean
}

const changes = [
  ...['patches', 'patchesStrategicMerge', 'patchesJson6902', 'replacements', 'transformers'],
  ...['components', 'namePrefix', 'nameSuffix'],
]

/**
 * Follows a path to the files it brings: by its kustomization and those that one builds on, without one all
 * below. The root of a repository brings nothing: it is most often that of another repository.
 */
export function reachOf(path: string, files: ReadonlyMap<string, ForeignFile>): Reach {
  const applied = new Set<string>()
  const patches = new Set<string>()
  const seen = new Set<string>()
  let isChanged = false
  const queue = path === '.' ? [] : [path]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const place = posix.normalize(at).replace(/\/$/, '')
    if (seen.has(place)) continue
    seen.add(place)
    const kustomization = kustomizationFiles
      .map((name) => posix.join(place, name))
      .find((name) => files.has(name))
    if (files.has(place)) applied.add(place)
    else if (kustomization === undefined) {
      for (const file of files.keys()) if (file.startsWith(`${place}/`)) applied.add(file)
    } else {
      const { text } = files.get(kustomization)!
      const read = readKustomization(text) ?? {}
      isChanged ||= changes.some((field) => read[field] !== undefined)
      const built = new Set(listBaseEntries(text).map((entry) => posix.join(place, entry)))
      queue.push(...built)
      for (const file of listKustomizeReferences(place, text)) {
        if (!built.has(file)) patches.add(file)
      }
    }
  }
  return { applied, patches, isChanged }
}

/** Of what is applied: documents of the other tool itself, and whether there is anything else. */
export function sortApplied(
  { applied }: Reach,
  documents: readonly ForeignDocument[],
  isOwn: (document: ForeignDocument) => boolean,
  files: ReadonlyMap<string, ForeignFile>,
): { readonly own: readonly ForeignDocument[]; readonly isMixed: boolean } {
  const read = documents.filter(({ file }) => applied.has(file))
  const known = new Set(read.map(({ file }) => file))
  const own = read.filter(isOwn)
  const isOther = (file: string) => !known.has(file) && files.get(file)?.text.trim() !== ''
  const isMixed = own.length < read.length || [...applied].some(isOther)
  return { own, isMixed: own.length > 0 && isMixed }
}
