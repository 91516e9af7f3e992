import type { RecordSpan, Stage } from '@groundswell/proto/trace.ts'
import type { ApplicationState } from './observe/status.ts'
import type { VerifiedSnapshot } from './trust/verified.ts'

/** Follows commits through the agent, from the offer of a snapshot to the report of what came of it. */
export interface Trace {
  /** A snapshot was verified; `before` is what the agent had accepted until then. */
  verified(snapshot: VerifiedSnapshot, before: VerifiedSnapshot | null, start: number): void
  /** It was applied as far as it could be. */
  applied(snapshot: VerifiedSnapshot, start: number): void
  /** The hub was told of applications. */
  reported(states: readonly ApplicationState[], start: number): void
}

interface Followed {
  readonly revision: string
  readonly generation: number
}

export function createTrace(record: RecordSpan, clock: () => number): Trace {
  /** Of applications with new content, until the hub was told what came of it. */
  const followed = new Map<string, Followed>()
  /** Revisions that the snapshot with this digest brought. */
  let applying: readonly string[] = []
  let digest = ''

  function recordAll(stage: Stage, revisions: Iterable<string>, start: number, ok: boolean): void {
    for (const revision of new Set(revisions)) {
      record({ stage, revision, start, end: clock(), ok })
    }
  }

  return {
    verified(snapshot, before, start) {
      const known = new Map(before?.applications.map((one) => [one.name, one.generation]))
      followed.clear()
      digest = snapshot.digest
      for (const one of snapshot.applications) {
        if (one.state !== 'present' || known.get(one.name) === one.generation) continue
        followed.set(one.name, { revision: one.revision, generation: one.generation })
      }
      const revisions = [...followed.values()].map(({ revision }) => revision)
      recordAll('verify', revisions, start, true)
      applying = revisions
    },
    applied(snapshot, start) {
      if (snapshot.digest !== digest) return
      recordAll('apply', applying, start, true)
      applying = []
    },
    reported(states, start) {
      for (const { application, generation, phase } of states) {
        const one = followed.get(application)
        if (!one || one.generation !== generation) continue
        if (phase !== 'Applied' && phase !== 'Failed') continue
        followed.delete(application)
        recordAll('report', [one.revision], start, phase === 'Applied')
      }
    },
  }
}
