/** How many there are of each name; never more entries than things counted. */
export interface Counts {
  of(name: string): number
  add(name: string): void
  take(name: string): void
}

export function createCounts(): Counts {
  const counts = new Map<string, number>()
  const of = (name: string): number => counts.get(name) ?? 0
  return {
    of,
    add: (name) => void counts.set(name, of(name) + 1),
    take(name) {
      const left = of(name) - 1
      if (left > 0) counts.set(name, left)
      else counts.delete(name)
    },
  }
}
