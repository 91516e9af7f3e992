import type { LiveObject } from '../cluster/port.ts'
import type { FieldDrift } from '../observe/status.ts'

/* What an apply would change of a live object, from what the API server says it would become. */

/** Most fields told of one object. */
const fieldLimit = 50
const valueLimit = 500
/** Deeper than any object of Kubernetes goes. */
const deepest = 40

/** Members that each write changes, and that are the API server's own. */
const skipped = new Set([
  '/status',
  '/metadata/managedFields',
  '/metadata/resourceVersion',
  '/metadata/generation',
])

/**
 * Paths that differ. Values are told only when `mayTell`: they are of the live cluster, and whoever
 * asks has not been shown to have any business with an object that is not the application's.
 */
export function findChanges(
  before: LiveObject,
  after: LiveObject,
  mayTell: boolean,
): readonly FieldDrift[] {
  const found: FieldDrift[] = []
  compare(before, after, '', 0)
  return found

  function compare(was: unknown, will: unknown, path: string, depth: number): void {
    if (found.length >= fieldLimit || skipped.has(path)) return
    if (isContainer(was) && isContainer(will) && depth < deepest) {
      if (Array.isArray(was) === Array.isArray(will)) {
        for (const name of new Set([...Object.keys(was), ...Object.keys(will)])) {
          const step = name.replaceAll('~', '~0').replaceAll('/', '~1')
          const [one, other] = [was as Members, will as Members]
          compare(one[name], other[name], `${path}/${step}`, depth + 1)
        }
        return
      }
    }
    if (JSON.stringify(was) === JSON.stringify(will)) return
    found.push({
      path,
      desired: mayTell ? spell(will) : hidden(will),
      live: mayTell ? spell(was) : hidden(was),
      manager: '',
    })
  }
}

type Members = Readonly<Record<string, unknown>>

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function spell(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value).slice(0, valueLimit)
}

function hidden(value: unknown): string {
  return value === undefined ? '' : '"(not told)"'
}
