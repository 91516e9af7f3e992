import { isRecord } from '@groundswell/proto/record.ts'
import type { LiveObject, ManagedFields } from '../../cluster/port.ts'
import { isOurs, leavesOf } from '../../observe/fields.ts'

/* Fields that `kubectl apply` put into an object belong to its manager. As long as they do, a field
   that leaves Git stays. client-go's csaupgrade hands them to the one who applies server-side. What
   Helm, Argo CD, Flux and others have put there that Git has too is given up by them: it is Git's
   now. What Git has not stays theirs. */

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
/** Stands for all that changed an object before managers were written down. */
const nobody = 'before-first-apply'

/** Tools whose place is taken, by their names in server-side apply; an owner by update may be any. */
const former = new Set([
  'argocd-controller',
  'fleetagent',
  'helm',
  'helm-controller',
  'kubectl',
  'kustomize-controller',
])

type Fields = Readonly<Record<string, unknown>>

/**
 * The field owners after what a client-side apply owned was made `manager`'s, and what others own
 * beside it is its alone; undefined when there is nothing of the kind. Of fields from before anyone
 * was written down, those go that the last client-side apply named: the rest may be any controller's.
 */
export function migrateOwners(object: LiveObject, manager: string): ManagedFields[] | undefined {
  const entries = object.metadata.managedFields ?? []
  const ours = entries.find((entry) => isOurs(entry, manager))
  if (!ours) return undefined
  const theirs = entries.filter(isClientSide)
  const applied = readLastApplied(object)
  let fields: Fields = ours.fieldsV1 ?? {}
  const kept: ManagedFields[] = []
  for (const entry of theirs) {
    // Fields of another version may be other fields: they are given up, as csaupgrade does.
    if (entry.apiVersion !== ours.apiVersion) continue
    const set = entry.fieldsV1 ?? {}
    if (entry.manager !== nobody) {
      fields = union(fields, set)
      continue
    }
    const { named, rest } = split(set, applied)
    fields = union(fields, named)
    if (Object.keys(rest).length > 0) kept.push({ ...entry, fieldsV1: rest })
  }
  const after = entries.flatMap((entry) => {
    if (entry === ours) return [{ ...entry, fieldsV1: fields }]
    if (theirs.includes(entry)) return kept.filter(({ manager }) => manager === entry.manager)
    if (!isFormer(entry) || entry.apiVersion !== ours.apiVersion) return [entry]
    const rest = subtract(entry.fieldsV1 ?? {}, ours.fieldsV1 ?? {})
    return Object.keys(rest).length > 0 ? [{ ...entry, fieldsV1: rest }] : []
  })
  return JSON.stringify(after) === JSON.stringify(entries) ? undefined : after
}

/**
 * Fields that go when `migrateOwners` is followed by the apply that led to `object`: a client-side
 * apply put them there, and Git has them not. Paths in `fieldsV1` spelling.
 */
export function findGoing(object: LiveObject, manager: string): readonly (readonly string[])[] {
  const ofOurs = (entries: readonly ManagedFields[] = []) =>
    leavesOf(entries.find((entry) => isOurs(entry, manager))?.fieldsV1 ?? {})
  const after = migrateOwners(object, manager)
  const kept = new Set(ofOurs(object.metadata.managedFields).map(String))
  const others = (after ?? [])
    .filter((entry) => !isOurs(entry, manager))
    .flatMap(({ fieldsV1 }) => leavesOf(fieldsV1 ?? {}))
  for (const steps of others) kept.add(String(steps))
  const note = ['f:metadata', 'f:annotations', `f:${lastApplied}`].join()
  return ofOurs(after).filter((steps) => !kept.has(String(steps)) && String(steps) !== note)
}

function isFormer({ manager, operation, subresource }: ManagedFields): boolean {
  return !subresource && (operation === 'Update' || former.has(manager))
}

/** What of a set another does not have. An item of a list keeps its keys as long as it has more. */
function subtract(set: Fields, other: Fields): Fields {
  const rest: Record<string, unknown> = {}
  for (const [step, below] of Object.entries(set)) {
    const shared = other[step] as Fields | undefined
    if (step === '.') continue
    if (shared === undefined) {
      rest[step] = below
      continue
    }
    const parts = subtract(below as Fields, shared)
    if (Object.keys(parts).length > 0) rest[step] = { ...keysIn(step, below as Fields), ...parts }
  }
  return Object.keys(rest).length > 0 && '.' in set ? { '.': {}, ...rest } : rest
}

function keysIn(step: string, set: Fields): Fields {
  if (!step.startsWith('k:')) return {}
  const names = Object.keys(JSON.parse(step.slice(2)) as object).map((name) => `f:${name}`)
  return Object.fromEntries(names.filter((name) => name in set).map((name) => [name, {}]))
}

function isClientSide({ operation, subresource, fieldsV1 }: ManagedFields): boolean {
  if (operation !== 'Update' || subresource) return false
  const metadata = (fieldsV1?.['f:metadata'] ?? {}) as Fields
  return `f:${lastApplied}` in ((metadata['f:annotations'] ?? {}) as Fields)
}

function readLastApplied({ metadata }: LiveObject): unknown {
  const note = { annotations: { [lastApplied]: '' } }
  try {
    const value: unknown = JSON.parse(metadata.annotations?.[lastApplied] ?? '{}')
    if (!isRecord(value)) return { metadata: note }
    const named = isRecord(value['metadata']) ? value['metadata'] : {}
    const annotations = isRecord(named['annotations']) ? named['annotations'] : {}
    return {
      ...value,
      metadata: { ...named, annotations: { ...annotations, ...note.annotations } },
    }
  } catch {
    return { metadata: note }
  }
}

function union(a: Fields, b: Fields): Fields {
  const both: Record<string, unknown> = { ...a }
  for (const [step, below] of Object.entries(b)) {
    both[step] = union((a[step] ?? {}) as Fields, below as Fields)
  }
  return both
}

/** Divides owned fields into those that `named` holds a value of, and the rest. */
function split(set: Fields, value: unknown): { named: Fields; rest: Fields } {
  const named: Record<string, unknown> = {}
  const rest: Record<string, unknown> = {}
  for (const [step, below] of Object.entries(set)) {
    const inner = step.startsWith('f:') && isRecord(value) ? value[step.slice(2)] : undefined
    // Items of lists go with their list.
    const children = Object.keys(below as Fields)
    const isWhole = children.length === 0 || children.some((child) => !child.startsWith('f:'))
    if (step === '.' || inner === undefined) rest[step] = below
    else if (isWhole && !children.includes('.')) named[step] = below
    else {
      const parts = split(below as Fields, inner)
      if (Object.keys(parts.named).length > 0) named[step] = parts.named
      if (Object.keys(parts.rest).length > 0) rest[step] = parts.rest
    }
  }
  return { named, rest }
}
