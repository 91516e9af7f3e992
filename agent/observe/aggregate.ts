import type { ApplicationState, Health, ObjectDrift, ObjectError, ObjectHealth } from './status.ts'

/** Most entries of each list a report carries; the counts are always whole. */
export const reportedEntries = 50

export interface ApplicationFacts extends Pick<
  ApplicationState,
  'application' | 'manifestDigest' | 'generation' | 'phase' | 'healed' | 'waiting'
> {
  readonly objects: readonly ObjectHealth[]
  readonly errors: readonly ObjectError[]
  readonly drift: readonly ObjectDrift[]
}

/** Worst first. */
const order: readonly Health[] = [
  'Failed',
  'NotFound',
  'Terminating',
  'InProgress',
  'Unknown',
  'Current',
]

/** An application's objects, folded into what is reported of it. */
export function aggregate(facts: ApplicationFacts): ApplicationState {
  const unhealthy = facts.objects
    .filter(({ health }) => health !== 'Current')
    .sort(
      (a, b) => order.indexOf(a.health) - order.indexOf(b.health) || compare(a.object, b.object),
    )
  return {
    application: facts.application,
    manifestDigest: facts.manifestDigest,
    generation: facts.generation,
    phase: facts.phase,
    // Nothing is nothing wrong only once the empty manifest was applied.
    health: unhealthy[0]?.health ?? (isSettled(facts) ? 'Current' : 'Unknown'),
    objects: facts.objects.length,
    readyObjects: facts.objects.length - unhealthy.length,
    unhealthy: unhealthy.slice(0, reportedEntries),
    errors: facts.errors.slice(0, reportedEntries),
    drift: facts.drift.slice(0, reportedEntries),
    driftedObjects: facts.drift.length,
    healed: facts.healed,
    ...(facts.waiting && { waiting: facts.waiting }),
  }
}

function isSettled(facts: ApplicationFacts): boolean {
  return facts.objects.length > 0 || facts.phase === 'Applied' || facts.phase === 'Removed'
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
