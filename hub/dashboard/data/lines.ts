import type { MatrixRow } from '../../client/gen/api.ts'

/** A line of the grid: a group's name, or a cluster. */
export type Line =
  | { readonly kind: 'group'; readonly name: string; readonly size: number }
  | { readonly kind: 'cluster'; readonly row: MatrixRow }

export const noGroup = 'no group'

const byNumber = new Intl.Collator('en', { numeric: true })

/**
 * The rows that match, each below its first group. A filter is words that all have to be found: in a
 * cluster's name or groups, or as the name of a standing that one of its cells has.
 */
export function listLines(
  rows: readonly MatrixRow[],
  filter: string,
  wordOf: (letter: string) => string,
): Line[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<string, MatrixRow[]>()
  for (const row of rows) {
    if (!words.every((word) => matches(row, word, wordOf))) continue
    const group = row.groups[0] ?? noGroup
    const known = groups.get(group)
    if (known) known.push(row)
    else groups.set(group, [row])
  }
  const names = [...groups.keys()].sort(
    (a, b) => Number(a === noGroup) - Number(b === noGroup) || (a < b ? -1 : 1),
  )
  return names.flatMap((name): Line[] => {
    const mine = groups.get(name)!
    // As people count: edge-2 before edge-10.
    mine.sort((a, b) => byNumber.compare(a.cluster, b.cluster))
    const lines = mine.map((row): Line => ({ kind: 'cluster', row }))
    return [{ kind: 'group', name, size: mine.length }, ...lines]
  })
}

function matches(row: MatrixRow, word: string, wordOf: (letter: string) => string): boolean {
  if (row.cluster.includes(word)) return true
  if (row.groups.some((group) => group.includes(word))) return true
  if (word === 'stale') return row.stale
  return [...new Set(row.cells)].some((letter) => wordOf(letter) === word)
}

/** How often each letter occurs in all rows. */
export function countCells(rows: readonly MatrixRow[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { cells } of rows) {
    for (const letter of cells) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  }
  return counts
}
