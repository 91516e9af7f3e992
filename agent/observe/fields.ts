import type { LiveObject, ManagedFields } from '../cluster/port.ts'
import { createHmac } from 'node:crypto'
import { digestOf } from '@groundswell/proto/digest.ts'

/**
 * The fields one manager owns and what they held: pairs of a path in `fieldsV1` spelling
 * (`f:spec␟f:replicas`) and the value's JSON text, in the object's own order.
 */
export type Projection = readonly (readonly [path: string, value: string])[]

type FieldSet = Readonly<Record<string, unknown>>

const separator = '\u001f'

/** Members that say who and when, not what. */
const identity = new Set(['f:apiVersion', 'f:kind', `f:metadata${separator}f:name`])

/** What `manager` owns by server-side apply, and its values now; undefined when it owns nothing. */
export function projectOwned(object: LiveObject, manager: string): Projection | undefined {
  const entry = object.metadata.managedFields?.find((entry) => isOurs(entry, manager))
  if (!entry?.fieldsV1) return undefined
  return leavesOf(entry.fieldsV1)
    .map((steps) => [steps.join(separator), spell(object, steps)] as const)
    .filter(([path]) => !identity.has(path))
}

export const scalePath = ['f:spec', 'f:replicas'].join(separator)

/**
 * What a kind's hashes are salted with: an inventory is read by more people than a Secret, and a
 * short password could be guessed by its hash.
 */
export function saltOf(kind: string, salt: Uint8Array | undefined): Uint8Array | undefined {
  return kind === 'Secret' ? salt : undefined
}

/**
 * Stands for a projection; short, because an inventory holds thousands. The size stands apart, so
 * that an autoscaler's change can be told from any other.
 */
export function hashProjection(projection: Projection, salt?: Uint8Array): string {
  const rest = projection.filter(([path]) => path !== scalePath)
  const size = projection.find(([path]) => path === scalePath)?.[1]
  const text = JSON.stringify(rest)
  const hex = salt
    ? createHmac('sha256', salt).update(text).digest('hex')
    : digestOf(text).slice('sha256:'.length)
  const hash = hex.slice(0, 20)
  return size === undefined ? hash : `${hash}.${size}`
}

/** Whether a projection is the one a hash was made of; an autoscaler's size may differ. */
export function matchesHash(
  projection: Projection,
  hash: string,
  scaled: boolean,
  salt?: Uint8Array,
): boolean {
  const now = hashProjection(projection, salt)
  return now === hash || (scaled && now.split('.')[0] === hash.split('.')[0])
}

export function splitPath(path: string): readonly string[] {
  return path.split(separator)
}

/** JSON text of the value at a path, empty when absent; a digest where it would be a secret. */
export function spell(object: LiveObject, steps: readonly string[]): string {
  const value = valueAt(object, steps)
  if (value === undefined) return ''
  const json = JSON.stringify(value)
  return isSecret(object.kind, steps) ? digestOf(json) : json
}

export function isSecret(kind: string, steps: readonly string[]): boolean {
  return kind === 'Secret' && (steps[0] === 'f:data' || steps[0] === 'f:stringData')
}

/** The value a `fieldsV1` path leads to. */
export function valueAt(object: unknown, steps: readonly string[]): unknown {
  let here = object
  for (const step of steps) {
    here = follow(here, step)?.value
    if (here === undefined) return undefined
  }
  return here
}

/** A `fieldsV1` path as a JSON Pointer into `object`; a list item that is gone keeps its key. */
export function pointerOf(object: unknown, steps: readonly string[]): string {
  let here = object
  let pointer = ''
  for (const step of steps) {
    const next = follow(here, step)
    const name = next?.name ?? step.slice(2)
    pointer += `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    here = next?.value
  }
  return pointer
}

/** One step further; undefined where it leads nowhere. */
export function follow(value: unknown, step: string): { name: string; value: unknown } | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const rest = step.slice(2)
  if (step.startsWith('f:')) {
    return Object.hasOwn(value, rest)
      ? { name: rest, value: (value as Record<string, unknown>)[rest] }
      : undefined
  }
  if (!Array.isArray(value)) return undefined
  const index = step.startsWith('i:')
    ? Number(rest)
    : value.findIndex((item) => matches(item, step[0] === 'k', rest))
  const item: unknown = value[index]
  return item === undefined ? undefined : { name: String(index), value: item }
}

function matches(item: unknown, byKey: boolean, json: string): boolean {
  if (!byKey) return JSON.stringify(item) === json
  if (typeof item !== 'object' || item === null) return false
  const keys = JSON.parse(json) as Record<string, unknown>
  return Object.entries(keys).every(
    ([key, want]) => (item as Record<string, unknown>)[key] === want,
  )
}

/** Paths of all that a field set owns. */
export function leavesOf(set: FieldSet): readonly (readonly string[])[] {
  const leaves: string[][] = []
  collectLeaves(set, [], leaves)
  return leaves
}

function collectLeaves(set: FieldSet, steps: string[], into: string[][]): void {
  for (const [step, below] of Object.entries(set)) {
    // `.` says the container itself is owned; its members say the rest.
    if (step === '.') continue
    const children = below as FieldSet
    const names = Object.keys(children)
    const path = [...steps, step]
    if (names.length === 0 || (names.length === 1 && names[0] === '.')) into.push(path)
    else collectLeaves(children, path, into)
  }
}

export function isOurs(entry: ManagedFields, manager: string): boolean {
  return entry.manager === manager && entry.operation === 'Apply' && !entry.subresource
}
