import { matchesGlob } from './glob.ts'
import type { ObjectId } from './object-id.ts'
import { isRecord } from './record.ts'

/**
 * Fields that are left to others: they never count as drift, and once an object is there they are
 * written as they are found.
 */
export interface IgnoreRule {
  /** Globs; what is left out matches all. The core group is the empty text. */
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name?: string
  /** RFC 6901, into the object as it lives; what lies below is ignored, too. */
  readonly jsonPointers?: readonly string[]
  /** Whatever these field managers own. */
  readonly managedFieldsManagers?: readonly string[]
}

/** What of one object is ignored. */
export interface Ignored {
  readonly pointers: readonly string[]
  readonly managers: readonly string[]
}

export const ignoreLimits = { rules: 100, entries: 50, text: 512 } as const

/** Fields that say which object it is: nothing could be applied without them. */
const needed = ['/apiVersion', '/kind', '/metadata', '/metadata/name', '/metadata/namespace']

/** Why a text does not name a field that can be ignored; undefined when it does. */
export function whyNoPointer(pointer: string): string | undefined {
  if (!pointer.startsWith('/')) return 'must begin with a slash, such as /spec/replicas'
  if (/~(?![01])/.test(pointer)) return 'a ~ is written ~0, and a slash within a name ~1'
  if (needed.includes(pointer)) return `${pointer} says which object it is, and cannot be ignored`
  return undefined
}

/** What the rules say of one object; undefined when nothing of it is ignored. */
export function findIgnored(rules: readonly IgnoreRule[], id: ObjectId): Ignored | undefined {
  const mine = rules.filter((rule) =>
    (['group', 'kind', 'namespace', 'name'] as const).every((part) => {
      const pattern = rule[part]
      return pattern === undefined || pattern === id[part] || matchesGlob(pattern, id[part])
    }),
  )
  if (mine.length === 0) return undefined
  return {
    pointers: mine.flatMap(({ jsonPointers }) => jsonPointers ?? []),
    managers: mine.flatMap(({ managedFieldsManagers }) => managedFieldsManagers ?? []),
  }
}

/** @throws TypeError */
export function parseIgnoreRules(value: unknown): readonly IgnoreRule[] {
  if (!Array.isArray(value) || value.length > ignoreLimits.rules || !value.every(isIgnoreRule)) {
    throw new TypeError('ignore')
  }
  return value
}

function isIgnoreRule(value: unknown): value is IgnoreRule {
  if (!isRecord(value)) return false
  const { group, kind, namespace, name, jsonPointers = [], managedFieldsManagers = [] } = value
  return (
    [group, kind, namespace, name].every((part) => part === undefined || isText(part)) &&
    isTexts(jsonPointers) &&
    isTexts(managedFieldsManagers) &&
    jsonPointers.every((pointer) => whyNoPointer(pointer) === undefined)
  )
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= ignoreLimits.entries && value.every(isText)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= ignoreLimits.text
}
