import type { LiveObject, ManagedFields } from '../cluster/port.ts'
import {
  isOurs,
  isSecret,
  pointerOf,
  type Projection,
  scalePath,
  spell,
  splitPath,
} from './fields.ts'
import type { Ignored } from '@groundswell/proto/ignore-rule.ts'
import { isIgnoredPath, withoutIgnored } from './ignored.ts'
import type { FieldDrift } from './status.ts'

const valueLimit = 1_000
/** Most fields listed for one object. */
export const driftFieldLimit = 20

/**
 * Where a live object differs from what our last apply left in the fields we owned then.
 * Whatever others own, default or add never shows: only recorded paths are looked at. A size set
 * through the scale subresource by anything but a tool of people is an autoscaler's and not drift, nor is what
 * the application leaves to others.
 */
export function findDrift(
  live: LiveObject,
  baseline: Projection,
  manager: string,
  ignored?: Ignored,
): FieldDrift[] {
  const drift: FieldDrift[] = []
  for (const [path, desired] of baseline) {
    const steps = splitPath(path)
    const found = spell(live, steps)
    if (found === desired) continue
    if (isEmptyContainer(desired) && found !== '' && hasOthersBelow(live, steps)) continue
    const owner = ownerOf(live, steps, manager)
    if (path === scalePath && isAutoscaler(owner)) continue
    const pointer = pointerOf(live, steps)
    const hidden = isSecret(live.kind, steps)
    if (ignored) {
      if (owner && isLeftTo(owner, steps, ignored.managers)) continue
      if (isIgnoredPath(pointer, ignored.pointers)) continue
      const strip = (json: string) => withoutIgnored(json, pointer, ignored.pointers)
      if (!hidden && strip(desired) === strip(found)) continue
    }
    drift.push({
      path: pointer,
      desired: hidden ? redacted : desired.slice(0, valueLimit),
      live: hidden && found ? redacted : found.slice(0, valueLimit),
      manager: owner?.manager ?? '',
      ...changeTime(owner),
    })
    if (drift.length >= driftFieldLimit) break
  }
  return drift
}

/** True when an autoscaler decides the size, so that our apply must leave it out. */
export function isScaledByOther(live: LiveObject): boolean {
  return (live.metadata.managedFields ?? []).some(
    (entry) => isAutoscaler(entry) && owns(entry.fieldsV1, ['f:spec', 'f:replicas']),
  )
}

/** Who changed the object last besides us, for when the field cannot be told. */
export function lastChange(
  live: LiveObject,
  manager: string,
): Pick<FieldDrift, 'manager' | 'changedAt'> {
  const last = newest(others(live, manager))
  return { manager: last?.manager ?? '', ...changeTime(last) }
}

function changeTime(entry: ManagedFields | undefined): Pick<FieldDrift, 'changedAt'> {
  const time = Date.parse(entry?.time ?? '')
  return Number.isFinite(time) ? { changedAt: time } : {}
}

const redacted = '"(redacted)"'

/** A manager that only might have taken the field away does not count. */
function isLeftTo(
  owner: ManagedFields,
  steps: readonly string[],
  managers: readonly string[],
): boolean {
  return managers.includes(owner.manager) && owns(owner.fieldsV1, steps)
}

function isAutoscaler(entry: ManagedFields | undefined): boolean {
  return entry?.subresource === 'scale' && !byHand.test(entry.manager)
}

/** Tools that people scale with: what they set by it is drift like any other. */
const byHand = /^(?:kubectl|k9s|oc)\b/

function isEmptyContainer(json: string): boolean {
  return json === '{}' || json === '[]'
}

/** Another manager owns members of a container we hold empty: it is shared, member by member. */
function hasOthersBelow(live: LiveObject, steps: readonly string[]): boolean {
  return (live.metadata.managedFields ?? []).some((entry) => {
    const below = descend(entry.fieldsV1, steps)
    return below !== undefined && Object.keys(below).some((name) => name !== '.')
  })
}

function ownerOf(
  live: LiveObject,
  steps: readonly string[],
  manager: string,
): ManagedFields | undefined {
  const candidates = others(live, manager)
  const holders = candidates.filter((entry) => owns(entry.fieldsV1, steps))
  // A field that was removed has no owner left; the newest change is the best guess.
  return newest(holders) ?? newest(candidates.filter((entry) => entry.subresource !== 'status'))
}

function others(live: LiveObject, manager: string): ManagedFields[] {
  return (live.metadata.managedFields ?? []).filter((entry) => !isOurs(entry, manager))
}

function newest(entries: readonly ManagedFields[]): ManagedFields | undefined {
  return [...entries].sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1))[0]
}

function timeOf(entry: ManagedFields): string {
  return entry.time ?? ''
}

function owns(set: unknown, steps: readonly string[]): boolean {
  return descend(set, steps) !== undefined
}

function descend(set: unknown, steps: readonly string[]): object | undefined {
  let here = set
  for (const step of steps) {
    if (typeof here !== 'object' || here === null) return undefined
    // An atomic container is owned whole: `{}` above the path owns what is below.
    if (here !== set && Object.keys(here).length === 0) return here
    here = (here as Record<string, unknown>)[step]
  }
  return typeof here === 'object' && here !== null ? here : undefined
}
