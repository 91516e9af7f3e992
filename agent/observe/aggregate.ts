import type { ApplicationState, ObjectDrift, ObjectError, ObjectHealth } from './status.ts'
import { compareHealth, isWorse } from './worst.ts'

/** Most entries of each list a report carries; the counts are always whole. */
export const reportedEntries = 50

export interface ApplicationFacts extends Pick<
  ApplicationState,
  'application' | 'manifestDigest' | 'generation' | 'phase' | 'healed' | 'waiting'
> {
  readonly objects: readonly ObjectHealth[]
  /** Of those, how some fare for a gate, where that is worse. */
  readonly gated?: readonly ObjectHealth[]
  readonly errors: readonly ObjectError[]
  readonly drift: readonly ObjectDrift[]
}

/** An application's objects, folded into what is reported of it. */
export function aggregate(facts: ApplicationFacts): ApplicationState {
  const unhealthy = facts.objects.filter(({ health }) => health !== 'Current').sort(worstFirst)
  const gated = [...(facts.gated ?? [])].sort(worstFirst)
  // Nothing is nothing wrong only once the empty manifest was applied.
  const health = unhealthy[0]?.health ?? (isSettled(facts) ? 'Current' : 'Unknown')
  const strict = gated[0]?.health
  return {
    application: facts.application,
    manifestDigest: facts.manifestDigest,
    generation: facts.generation,
    phase: facts.phase,
    health,
    objects: facts.objects.length,
    readyObjects: facts.objects.length - unhealthy.length,
    unhealthy: unhealthy.slice(0, reportedEntries),
    errors: facts.errors.slice(0, reportedEntries),
    drift: facts.drift.slice(0, reportedEntries),
    driftedObjects: facts.drift.length,
    healed: facts.healed,
    ...(facts.waiting && { waiting: facts.waiting }),
    ...(strict && {
      gate: {
        health: isWorse(strict, health) ? strict : health,
        objects: gated.slice(0, reportedEntries),
      },
    }),
  }
}

function isSettled(facts: ApplicationFacts): boolean {
  return facts.objects.length > 0 || facts.phase === 'Applied' || facts.phase === 'Removed'
}

function worstFirst(a: ObjectHealth, b: ObjectHealth): number {
  return compareHealth(a.health, b.health) || compare(a.object, b.object)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
