import type { Fleet } from '../fleet/fleet.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { CelFacts, ClusterFacts } from '../rollout/measure/cel.ts'
import type { ClusterStatus } from './status.ts'

export interface GateFactsInput {
  readonly fleet: Fleet | null
  readonly state: Pick<LedgerState, 'assignments'>
  readonly status: (cluster: string) => ClusterStatus
}

/** What a gate's expression may look at: these clusters, and the whole fleet in counts. */
export function findGateFacts(
  input: GateFactsInput,
  application: string,
  clusters: readonly string[],
): CelFacts {
  const { fleet, status } = input
  const all = [...(fleet?.clusters.keys() ?? [])].map(status)
  const health: Record<string, number> = {}
  for (const { applications } of all) {
    const told = applications[application]
    if (told) health[told.health] = (health[told.health] ?? 0) + 1
  }
  return {
    clusters: clusters.map((name) => describeCluster(input, name)),
    fleet: {
      clusters: all.length,
      connected: all.filter(isConnected).length,
      health,
    },
  }
}

function describeCluster({ fleet, state, status }: GateFactsInput, name: string): ClusterFacts {
  const told = status(name)
  const assigned = state.assignments.get(name)
  const applications = Object.entries(told.applications).map(([application, one]) => {
    const { phase, health, driftedObjects, digest, generation } = one
    const mine = assigned?.get(application)
    const current = mine?.digest === digest && mine.generation === generation
    return [application, { phase, health, current, driftedObjects }] as const
  })
  return {
    name,
    labels: fleet?.clusters.get(name)?.labels ?? {},
    connected: isConnected(told),
    kubernetesVersion: told.kubernetesVersion,
    nodes: told.nodes,
    applications: Object.fromEntries(applications),
  }
}

function isConnected({ connection }: ClusterStatus): boolean {
  return connection.state === 'Connected'
}
