import type { FleetFacts } from './cluster-facts.ts'
import type { Fleet } from '../fleet.ts'
import { type Resolution, resolveTargets } from './resolve.ts'

/** Targets that are remembered, some kilobyte each; a larger fleet is resolved anew each time. */
const rememberedTargets = 20_000

/**
 * Resolves fleets, and remembers the last: most commits change what is rolled out, not what goes where.
 * Of a fleet that is the same but for its revision, and of which agents tell the same, the targets are
 * those of before, each the same object.
 */
export function createResolutions(): (fleet: Fleet, facts: FleetFacts) => Resolution {
  let last:
    | { readonly fleet: Fleet; readonly facts: FleetFacts; readonly resolution: Resolution }
    | undefined
  return (fleet, facts) => {
    if (last && isSameFleet(last.fleet, fleet) && isSameWord(last.facts, facts)) {
      return last.resolution
    }
    const resolution = resolveTargets(fleet, facts)
    last = resolution.targets.length > rememberedTargets ? undefined : { fleet, facts, resolution }
    return resolution
  }
}

function isSameFleet(one: Fleet, other: Fleet): boolean {
  return Object.entries(one).every(
    ([part, value]) => part === 'revision' || other[part as keyof Fleet] === value,
  )
}

function isSameWord(one: FleetFacts, other: FleetFacts): boolean {
  if (one.size !== other.size) return false
  for (const [cluster, facts] of one) {
    const now = other.get(cluster)
    if (now?.kubernetesVersion !== facts.kubernetesVersion || now.apis !== facts.apis) return false
  }
  return true
}
