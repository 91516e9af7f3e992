/** Repairs of one object that may follow at once within a minute. */
const burst = 3
const windowMs = 60_000
/** After them, one in this long: whoever fights us must not make the API server pay. */
const spacingMs = 10_000

export interface RepairLimit {
  /** Milliseconds until the object may be repaired again; 0 when it may be now. */
  wait(id: string, now: number): number
  note(id: string, now: number): void
}

/** Remembers the last few repairs of each object. */
export function createRepairLimit(): RepairLimit {
  const times = new Map<string, readonly number[]>()
  const recent = (id: string, now: number) =>
    (times.get(id) ?? []).filter((time) => now - time < windowMs)
  return {
    wait(id, now) {
      const past = recent(id, now)
      const last = past.at(-1)
      if (past.length < burst || last === undefined) return 0
      return Math.max(0, last + spacingMs - now)
    },
    note(id, now) {
      // Objects that have been quiet for a minute are forgotten now and then, so the map stays small.
      if (times.size % 256 === 255) {
        for (const other of times.keys()) if (recent(other, now).length === 0) times.delete(other)
      }
      times.set(id, [...recent(id, now), now].slice(-burst))
    },
  }
}
