import { compareBuild, maxSatisfying, validRange } from 'semver'
import { isRefName } from './ref.ts'

const longestRange = 128

/** Whether the text is a range of semantic versions as npm writes them: `^1.2`, `>=1 <3`, `1.x`. */
export function isVersionRange(range: string): boolean {
  return range.length <= longestRange && range.trim() !== '' && validRange(range) !== null
}

/**
 * The newest of the tags that is a version in the range, with or without a leading `v`; candidates
 * such as `2.0.0-rc.1` only where the range names one. Of `v1.2.0` and `1.2.0`, the latter.
 */
export function pickVersion(tags: readonly string[], range: string): string | undefined {
  const names = tags.filter(isRefName)
  const best = maxSatisfying(names, range)
  if (best === null) return undefined
  // Equal but for what does not count, so that the order they came in decides nothing.
  return names
    .filter((name) => maxSatisfying([name], range) !== null)
    .toSorted((a, b) => compareBuild(b, a) || (a < b ? -1 : 1))[0]
}
