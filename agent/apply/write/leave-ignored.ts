import type { Ignored } from '@groundswell/proto/ignore-rule.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { LiveObject } from '../../cluster/port.ts'
import { isOurs, leavesOf, pointerOf, valueAt } from '../../observe/fields.ts'
import { isIgnoredPath, parsePointer } from '../../observe/ignored.ts'
import type { Body } from './body.ts'
import { putAt, removeAt, stepsOf } from './edit-fields.ts'
import { fieldManager } from '../inventory/ownership.ts'

interface Leaf {
  readonly steps: readonly string[]
  readonly manager: string
  readonly ours: boolean
}

/**
 * What to apply to an object that is there, with what is ignored left as it is found. A field that
 * another manager owns is left out; one that we alone own keeps its live value, since leaving it
 * out would have the API server take it away.
 */
export function leaveIgnored(body: Body, live: LiveObject, ignored: Ignored): Body {
  const copy = cloneJson(body) as Body
  const leaves = listLeaves(live)
  const others = new Set(leaves.filter(({ ours }) => !ours).map(({ steps }) => steps.join()))
  for (const pointer of ignored.pointers) removeAt(copy, findSteps(leaves, live, pointer))
  for (const { steps, manager, ours } of leaves) {
    if (!ours && ignored.managers.includes(manager)) removeAt(copy, steps)
  }
  for (const { steps, ours } of leaves) {
    if (!ours) continue
    const pointer = pointerOf(live, steps)
    if (isIgnoredPath(pointer, ignored.pointers)) {
      const value = valueAt(live, steps)
      if (!others.has(steps.join()) && value !== undefined) putAt(copy, steps, value)
      continue
    }
    // Part of what is owned whole: only the live value can be written without changing it.
    for (const below of ignored.pointers) {
      if (!below.startsWith(`${pointer}/`)) continue
      const names = stepsOf(live, parsePointer(below))
      const value = valueAt(live, names)
      if (value !== undefined) putAt(copy, names, value)
    }
  }
  return copy
}

function listLeaves(live: LiveObject): Leaf[] {
  return (live.metadata.managedFields ?? [])
    .filter(({ subresource }) => subresource !== 'status')
    .flatMap((entry) =>
      leavesOf(entry.fieldsV1 ?? {}).map((steps) => ({
        steps,
        manager: entry.manager,
        ours: isOurs(entry, fieldManager),
      })),
    )
}

/** A pointer into the live object as steps that find the same in another; lists go by their keys. */
function findSteps(leaves: readonly Leaf[], live: LiveObject, pointer: string): readonly string[] {
  const names = parsePointer(pointer)
  for (const { steps } of leaves) {
    const head = steps.slice(0, names.length)
    if (head.length === names.length && pointerOf(live, head) === pointer) return head
  }
  return stepsOf(live, names)
}

/** A copy to change; numbers kept as they were written are what they are. */
function cloneJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cloneJson)
  if (!isRecord(value) || isRawJson(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, cloneJson(part)]))
}

function isRawJson(value: object): boolean {
  return (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value)
}
