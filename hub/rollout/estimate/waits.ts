/** Whether a cluster may be offered something, and until when that stays so; null: for ever. */
export interface Outlook {
  readonly open: boolean
  /** Milliseconds by the hub's clock. */
  readonly until: number | null
}

/** What keeps clusters of a rollout back, as far as it can be foretold. */
export interface Waits {
  /** Clusters of one key are kept back alike. */
  readonly keyOf: (cluster: string) => unknown
  readonly look: (cluster: string, at: number) => Outlook
}

export const noWaits: Waits = {
  keyOf: () => null,
  look: () => ({ open: true, until: null }),
}

/** Times between which something changes that are followed; whoever waits longer waits beyond all sight. */
const mostTurns = 300

/** What becomes of a wave: when its last cluster is done, and how long of it nothing could be offered. */
export interface Passage {
  readonly end: number
  readonly withheld: number
}

/**
 * Follows a wave from its start: as many clusters at a time as it allows, of those that may be offered
 * something then. Null when some never are.
 *
 * @param each milliseconds that clusters which go together take
 */
export function passWave(
  wave: { readonly clusters: readonly string[]; readonly maxConcurrent: number },
  each: number,
  start: number,
  waits: Waits,
): Passage | null {
  const slots = Math.max(1, wave.maxConcurrent)
  const groups = [...Map.groupBy(wave.clusters, (name) => waits.keyOf(name)).values()].map(
    (names) => ({ cluster: names[0]!, left: names.length, outlook: stale }),
  )
  let now = start
  let withheld = 0
  for (let turn = 0; turn < mostTurns; turn += 1) {
    const waiting = groups.filter(({ left }) => left > 0)
    if (waiting.length === 0) return { end: now, withheld }
    for (const group of waiting) {
      if ((group.outlook.until ?? Infinity) <= now) group.outlook = waits.look(group.cluster, now)
    }
    const changes = Math.min(...waiting.map(({ outlook }) => outlook.until ?? Infinity))
    const open = waiting.filter(({ outlook }) => outlook.open)
    if (open.length === 0) {
      if (changes === Infinity) return null
      withheld += changes - now
      now = changes
      continue
    }
    const all = open.reduce((sum, { left }) => sum + left, 0)
    // What began before it closes is carried through.
    const fitting = each > 0 ? Math.ceil((changes - now) / each) : Infinity
    const batches = Math.max(1, Math.min(Math.ceil(all / slots), fitting))
    let taken = batches * slots
    for (const group of open) {
      const mine = Math.min(group.left, taken)
      group.left -= mine
      taken -= mine
    }
    now += batches * each
  }
  return null
}

/** Nobody has looked yet. */
const stale: Outlook = { open: false, until: -Infinity }
