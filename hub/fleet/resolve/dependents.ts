import type { Fleet } from '../fleet.ts'

/** Applications by those they depend on, for a fleet. */
export function findDependents(fleet: Fleet): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { name, spec } of fleet.applications.values()) {
    for (const { name: first } of spec.dependsOn ?? []) {
      found.set(first, [...(found.get(first) ?? []), name])
    }
  }
  return found
}

/** The same names, what others depend on before them; otherwise as they came. */
export function orderByDependencies(fleet: Fleet, names: Iterable<string>): string[] {
  const all = new Set(names)
  const ordered = new Set<string>()
  const visit = (name: string, path: ReadonlySet<string>): void => {
    // A fleet with a circle is refused, so a path that comes back is no more than a safeguard.
    if (ordered.has(name) || path.has(name)) return
    const further = new Set([...path, name])
    for (const first of fleet.applications.get(name)?.spec.dependsOn ?? []) {
      visit(first.name, further)
    }
    if (all.has(name)) ordered.add(name)
  }
  for (const name of all) visit(name, new Set())
  return [...ordered]
}
