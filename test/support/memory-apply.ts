import type { LiveObject, ManagedFields } from '../../agent/cluster/port.ts'
import { valueAt } from '../../agent/observe/fields.ts'

type Fields = Record<string, unknown>
type Members = Record<string, unknown>

const skipped = new Set(['apiVersion', 'kind', 'status'])
const skippedMetadata = new Set(['name', 'namespace', 'uid', 'generation', 'resourceVersion'])

/** The `fieldsV1` a server-side apply of a body would own: lists of named items by name, others whole. */
export function listFields(body: unknown): Fields {
  const fields: Fields = {}
  for (const [name, value] of Object.entries(body as Members)) {
    if (skipped.has(name) || value === undefined) continue
    if (name !== 'metadata') fields[`f:${name}`] = fieldsOf(value)
    else {
      const rest = Object.entries(value as Members).filter(
        ([name]) => !skippedMetadata.has(name) && name !== 'managedFields',
      )
      if (rest.length > 0) fields['f:metadata'] = fieldsOf(Object.fromEntries(rest))
    }
  }
  return fields
}

function fieldsOf(value: unknown): Fields {
  if (isNamedList(value)) {
    return Object.fromEntries(
      value.map((item) => [
        `k:${JSON.stringify({ name: item.name })}`,
        { '.': {}, ...fieldsOf(item) },
      ]),
    )
  }
  if (!isMembers(value)) return {}
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [`f:${name}`, fieldsOf(one)]),
  )
}

/** What is stored after `manager` applied `body`: its fields in, its former ones out, others' kept. */
export function mergeApplied(
  before: LiveObject | undefined,
  body: LiveObject,
  manager: string,
): LiveObject {
  const entries = before?.metadata.managedFields ?? []
  const former = entries.find((entry) => entry.manager === manager && entry.operation === 'Apply')
  const kept = before ? (prune(before, former?.fieldsV1 ?? {}, body) as Members) : {}
  const merged = merge(kept, body) as unknown as LiveObject
  const fieldsV1 = listFields(body)
  const managedFields: ManagedFields[] = [
    ...entries
      .filter((entry) => entry !== former)
      .map((entry) => ({ ...entry, fieldsV1: subtract(entry.fieldsV1 ?? {}, fieldsV1) })),
    { manager, operation: 'Apply', fieldsV1 },
  ]
  return { ...merged, metadata: { ...merged.metadata, managedFields } }
}

/** Field owners after another manager changed an object by an update. */
export function updateOwners(
  before: LiveObject,
  after: LiveObject,
  manager: string,
): ManagedFields[] {
  const entries = before.metadata.managedFields ?? []
  const changed = keepChanged(merge(listFields(before), listFields(after)), before, after, [])
  const mine = entries.find((entry) => entry.manager === manager && entry.operation === 'Update')
  const rest = entries
    .filter((entry) => entry !== mine)
    .map((entry) => ({ ...entry, fieldsV1: subtract(entry.fieldsV1 ?? {}, changed) }))
  const fieldsV1 = merge(mine?.fieldsV1 ?? {}, changed)
  return [...rest, { manager, operation: 'Update', fieldsV1 }]
}

function keepChanged(set: Fields, before: unknown, after: unknown, path: string[]): Fields {
  const changed: Fields = {}
  for (const [step, below] of Object.entries(set)) {
    if (step === '.') continue
    const here = [...path, step]
    const same = JSON.stringify(valueAt(before, here)) === JSON.stringify(valueAt(after, here))
    if (same) continue
    const inner = keepChanged(below as Fields, before, after, here)
    changed[step] = inner
  }
  return changed
}

function subtract(set: Fields, taken: Fields): Fields {
  const left: Fields = {}
  for (const [step, below] of Object.entries(set)) {
    const other = taken[step] as Fields | undefined
    if (!other) {
      left[step] = below
      continue
    }
    const inner = subtract(below as Fields, other)
    if (Object.keys(inner).some((name) => name !== '.')) left[step] = inner
  }
  return left
}

/** Takes out what `fields` names and `body` no longer has. */
function prune(value: unknown, fields: Fields, body: unknown): unknown {
  if (isNamedList(value)) {
    return value.flatMap((item) => {
      const step = `k:${JSON.stringify({ name: item.name })}`
      if (!(step in fields)) return [item]
      const wanted = isNamedList(body) ? body.find(({ name }) => name === item.name) : undefined
      return wanted ? [prune(item, fields[step] as Fields, wanted)] : []
    })
  }
  if (!isMembers(value)) return value
  const kept: Members = {}
  for (const [name, one] of Object.entries(value)) {
    const below = fields[`f:${name}`] as Fields | undefined
    const wanted = isMembers(body) ? body[name] : undefined
    if (!below) kept[name] = one
    else if (wanted !== undefined) kept[name] = prune(one, below, wanted)
    else if (Object.keys(below).length > 0) kept[name] = prune(one, below, undefined)
  }
  return kept
}

function merge(base: Members, over: Members): Members {
  const merged: Members = { ...base }
  for (const [name, value] of Object.entries(over)) {
    const old = merged[name]
    if (isNamedList(old) && isNamedList(value)) {
      const added = value.filter((item) => !old.some(({ name }) => name === item.name))
      const kept = old.map((item) => {
        const change = value.find(({ name }) => name === item.name)
        return change ? merge(item, change) : item
      })
      merged[name] = [...kept, ...added]
    } else merged[name] = isMembers(old) && isMembers(value) ? merge(old, value) : value
  }
  return merged
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamedList(value: unknown): value is (Members & { name: string })[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => isMembers(item) && typeof item['name'] === 'string')
  )
}
