import { isRecord } from '@groundswell/proto/record.ts'
import { follow } from '../../observe/fields.ts'

/* Changes of an object by paths in `fieldsV1` spelling: `f:` a member, `k:` a list item by its
   keys, `v:` one by its value, `i:` one by its place. */

/** Takes a field away, and what is left empty above it. */
export function removeAt(root: unknown, steps: readonly string[]): void {
  const trail: { container: object; name: string }[] = []
  let here = root
  for (const step of steps) {
    const next = follow(here, step)
    if (!next || typeof here !== 'object' || here === null) return
    trail.push({ container: here, name: next.name })
    here = next.value
  }
  for (const { container, name } of trail.reverse()) {
    if (Array.isArray(container)) container.splice(Number(name), 1)
    else delete (container as Record<string, unknown>)[name]
    if (Object.keys(container).length > 0) return
  }
}

/** Sets a field, with what it needs above it. */
export function putAt(root: unknown, steps: readonly string[], value: unknown): void {
  let here = root
  for (const [index, step] of steps.entries()) {
    if (typeof here !== 'object' || here === null) return
    const last = index === steps.length - 1
    const next = follow(here, step)
    if (next && !last) {
      here = next.value
      continue
    }
    const made = last ? value : emptyFor(steps[index + 1] ?? '')
    if (Array.isArray(here)) {
      const item = step.startsWith('k:') && isRecord(made) ? { ...keysOf(step), ...made } : made
      if (next) here[Number(next.name)] = item
      else here.push(item)
      here = item
    } else {
      ;(here as Record<string, unknown>)[step.slice(2)] = made
      here = made
    }
  }
}

/** Names of a JSON Pointer as steps into an object; list items by their place. */
export function stepsOf(root: unknown, names: readonly string[]): string[] {
  let here = root
  return names.map((name) => {
    const step = `${Array.isArray(here) ? 'i' : 'f'}:${name}`
    here = follow(here, step)?.value
    return step
  })
}

function emptyFor(next: string): unknown {
  return next.startsWith('f:') ? {} : []
}

function keysOf(step: string): Record<string, unknown> {
  return JSON.parse(step.slice(2)) as Record<string, unknown>
}
