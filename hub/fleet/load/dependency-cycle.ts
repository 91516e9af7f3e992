/** Where all depend on all there are more circles than memory holds. */
const mostCycles = 20

/**
 * Circles in what depends on what, each told once and the first twenty of them: the names along it, beginning with the
 * first in the alphabet. Names that are not keys lead nowhere.
 */
export function findDependencyCycles(
  dependencies: ReadonlyMap<string, readonly string[]>,
): string[][] {
  const cycles = new Map<string, string[]>()
  const done = new Set<string>()
  for (const start of [...dependencies.keys()].sort()) {
    // A stack of our own: a chain may be longer than the call stack is deep.
    const trail: { name: string; next: number }[] = [{ name: start, next: 0 }]
    const onTrail = new Set([start])
    while (trail.length > 0) {
      const top = trail.at(-1)!
      const to = done.has(top.name) ? undefined : dependencies.get(top.name)?.[top.next]
      top.next += 1
      if (to === undefined) {
        done.add(top.name)
        onTrail.delete(top.name)
        trail.pop()
      } else if (onTrail.has(to)) {
        const names = trail.map(({ name }) => name)
        const cycle = fromFirst(names.slice(names.indexOf(to)))
        cycles.set(cycle.join(), cycle)
        if (cycles.size >= mostCycles) return [...cycles.values()]
      } else {
        onTrail.add(to)
        trail.push({ name: to, next: 0 })
      }
    }
  }
  return [...cycles.values()]
}

function fromFirst(names: readonly string[]): string[] {
  const at = names.indexOf([...names].sort()[0]!)
  return [...names.slice(at), ...names.slice(0, at)]
}
