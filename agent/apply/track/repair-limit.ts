/** What another manager changed again is repaired once in so long: a fight is nobody's to win. */
const truceMs = 60_000
/** Repairs of one object within that time, whoever they are against. */
const burst = 3
/** After them, one in this long: many hands must not make the API server pay. */
const spacingMs = 10_000
/** Objects remembered before those that were quiet are forgotten. */
const keptObjects = 1_000

interface Repair {
  readonly at: number
  /** Field manager whose change was undone; empty when nobody could be told. */
  readonly against: string
}

export interface RepairLimit {
  /** Milliseconds until a change by a manager may be undone again; 0 when it may be now. */
  wait(id: string, against: string, now: number): number
  /** Whether a manager changed again what was repaired against it a short while ago. */
  isContested(id: string, against: string, now: number): boolean
  note(id: string, against: string, now: number): void
}

/** Remembers the last few repairs of each object. */
export function createRepairLimit(): RepairLimit {
  const repairs = new Map<string, readonly Repair[]>()
  const recent = (id: string, now: number) =>
    (repairs.get(id) ?? []).filter(({ at }) => now - at < truceMs)
  const lastAgainst = (id: string, against: string, now: number) =>
    recent(id, now).findLast((repair) => repair.against === against)
  return {
    wait(id, against, now) {
      const past = recent(id, now)
      const same = lastAgainst(id, against, now)
      if (same) return same.at + truceMs - now
      const last = past.at(-1)
      return past.length < burst || !last ? 0 : Math.max(0, last.at + spacingMs - now)
    },
    isContested: (id, against, now) => lastAgainst(id, against, now) !== undefined,
    note(id, against, now) {
      if (repairs.size >= keptObjects) {
        for (const other of repairs.keys()) {
          if (recent(other, now).length === 0) repairs.delete(other)
        }
      }
      // One for each manager seen of late, so that each of many has its truce.
      const others = recent(id, now).filter((repair) => repair.against !== against)
      repairs.set(id, [...others, { at: now, against }].slice(-managersKept))
    },
  }
}

const managersKept = 20
