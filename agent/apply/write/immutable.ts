import { isRecord } from '@groundswell/proto/record.ts'
import type { LiveObject } from '../../cluster/port.ts'
import type { RefusalCause } from '../../errors.ts'

const shownFields = 5
const shownLength = 200

/** How the API server's own validation and the popular webhooks say it. */
const saysImmutable =
  /immutable|updates to .* forbidden|forbidden: (?:updates to|may not|cannot|pod updates)|(?:may|can)(?:not| not) (?:be )?(?:changed?|updated?|modif(?:y|ied)|unset)\b/i

/**
 * Which fields may not change, with what they are and what they should become. Empty when what was
 * refused is something else. Values of a Secret are not told.
 */
export function explainImmutable(
  causes: readonly RefusalCause[],
  desired: unknown,
  live: LiveObject,
): string[] {
  const found = new Map<string, string>()
  for (const { field, message } of causes) {
    if (!saysImmutable.test(message)) continue
    const steps = field.split(/[.[\]]+/).filter((step) => step !== '')
    const changes = compare(follow(desired, steps), follow(live, steps), field)
    // The fault is real though nothing can be shown: the API server compares what it has defaulted.
    if (changes.length === 0) found.set(field, `${field || 'it'} is immutable`)
    for (const { path, from, to } of changes) {
      const values = ` (it is ${spell(from)} and cannot become ${spell(to)})`
      found.set(path, `${path} is immutable${live.kind === 'Secret' ? '' : values}`)
    }
  }
  const all = [...found.values()]
  const more = all.length - shownFields
  return more > 0 ? [...all.slice(0, shownFields), `and ${more} more`] : all
}

interface Change {
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/** Where what is asked for differs from what is there; what is not asked for does not count. */
function compare(desired: unknown, live: unknown, path: string): Change[] {
  if (desired === undefined || JSON.stringify(desired) === JSON.stringify(live)) return []
  if (isRecord(desired) && isRecord(live)) {
    return Object.entries(desired).flatMap(([name, value]) =>
      compare(value, live[name], path === '' ? name : `${path}.${name}`),
    )
  }
  if (Array.isArray(desired) && Array.isArray(live) && desired.length === live.length) {
    return desired.flatMap((value: unknown, at) => compare(value, live[at], `${path}[${at}]`))
  }
  return [{ path, from: live, to: desired }]
}

function follow(value: unknown, steps: readonly string[]): unknown {
  let here = value
  for (const step of steps) {
    if (typeof here !== 'object' || here === null) return undefined
    here = (here as Record<string, unknown>)[step]
  }
  return here
}

function spell(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value).slice(0, shownLength)
}
