import type { RolloutView } from '../../client/gen/api.ts'

type Cell = RolloutView['waves'][number]['clusters'][number]

/** Clusters of a wave as they are drawn: those to be told of by name, and the others as signs alone. */
export interface WaveCells {
  readonly told: readonly Cell[]
  readonly small: readonly Cell[]
  /** Beyond the bound. */
  readonly left: number
}

/** A wave of so many is told whole. */
const mostWhole = 24
const mostTold = 100
const mostSmall = 2_000

const byNumber = new Intl.Collator('en', { numeric: true })

/** What needs a person comes first, then what moves, what waits, and last what is done. */
export function orderCells(clusters: readonly Cell[]): WaveCells {
  const sorted = [...clusters].sort((a, b) => rank(a) - rank(b) || byNumber.compare(a.name, b.name))
  if (sorted.length <= mostWhole) return { told: sorted, small: [], left: 0 }
  const first = sorted.findIndex((one) => rank(one) >= ranks.waits)
  const told = sorted.slice(0, Math.min(mostTold, first < 0 ? sorted.length : first))
  const small = sorted.slice(told.length, told.length + mostSmall)
  return { told, small, left: sorted.length - told.length - small.length }
}

const ranks = { bad: 0, moves: 1, waits: 2, done: 3 } as const

function rank({ state, outcome }: Cell): number {
  switch (outcome) {
    case 'Succeeded':
    case 'Skipped':
      return ranks.done
    case null:
      return state === 'Pending' ? ranks.waits : ranks.moves
    default:
      return ranks.bad
  }
}
