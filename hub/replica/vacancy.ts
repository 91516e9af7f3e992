import type { Sight } from './shared-ledger.ts'

/** For how long Redis was seen to hold no lease at all, with no gap in which another could have led. */
export interface Vacancy {
  note(sight: Sight): void
  /** Since when; undefined for a lease, or where the last look is too long ago to tell. */
  since(): number | undefined
}

/**
 * Who slept in between has not seen that it stayed so: others may have led, and Redis be emptied since.
 *
 * @param gapMs looks further apart than this begin anew
 */
export function createVacancy(monotonic: () => number, gapMs: number): Vacancy {
  let begun: number | undefined
  let seen = -Infinity

  const since = (): number | undefined => (monotonic() - seen > gapMs ? undefined : begun)
  return {
    note({ lease }) {
      const now = monotonic()
      begun = lease ? undefined : (since() ?? now)
      seen = now
    },
    since,
  }
}
