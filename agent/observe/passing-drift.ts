import { reportedEntries } from './aggregate.ts'
import type { ApplicationState, ObjectDrift } from './status.ts'

/**
 * Drift that may be put right before a report of it leaves. What happened is kept, a bounded number
 * of objects for each application, until it was told of.
 */
export function createPassingDrift() {
  const passing = new Map<string, Map<string, ObjectDrift>>()
  return {
    note({ application, drift }: Pick<ApplicationState, 'application' | 'drift'>): void {
      if (drift.length === 0) return
      const mine = passing.get(application) ?? new Map<string, ObjectDrift>()
      passing.set(application, mine)
      for (const one of drift) {
        if (mine.has(one.object) || mine.size < reportedEntries) mine.set(one.object, one)
      }
    },
    /** The state with what has passed meanwhile; the same state when nothing has. */
    addTo(state: ApplicationState): ApplicationState {
      const shown = new Set(state.drift.map(({ object }) => object))
      const past = [...(passing.get(state.application)?.values() ?? [])].filter(
        ({ object }) => !shown.has(object),
      )
      if (past.length === 0) return state
      const drift = [...state.drift, ...past].slice(0, reportedEntries)
      return { ...state, drift, driftedObjects: state.driftedObjects + past.length }
    },
    forget(application: string): void {
      passing.delete(application)
    },
  }
}
