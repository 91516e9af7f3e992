import { HubError } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { CelFacts, ClusterFacts } from '../rollout/measure/cel.ts'
import type { ApplicationStatus, ClusterStatus, Health } from './status.ts'

export interface GateFactsInput {
  readonly fleet: Fleet | null
  readonly state: Pick<LedgerState, 'assignments'>
  readonly status: (cluster: string) => ClusterStatus
  /** Until when agents have time to say how they are, after the hub began to listen (milliseconds). */
  readonly heardBy: number
  readonly now: number
}

/**
 * What a gate's expression may look at: these clusters, and the whole fleet in counts.
 *
 * @throws HubError `not_ready` where a hub that has just started knows too little: of nobody known nobody fails
 */
export function findGateFacts(
  input: GateFactsInput,
  application: string,
  clusters: readonly string[],
): CelFacts {
  const { fleet, status } = input
  if (!fleet) throw new HubError('not_ready', 'the fleet repository was not read yet')
  const unheard = listUnheard(input, fleet, application)
  if (unheard.length > 0) {
    const more = unheard.length === 1 ? '' : ` and ${unheard.length - 1} more`
    const message = `the hub has just started, and ${unheard[0]}${more} has not said yet how it is`
    throw new HubError('not_ready', message)
  }
  const all = [...fleet.clusters.keys()].map(status)
  const health: Record<string, number> = {}
  for (const one of all) {
    const told = one.applications[application]
    if (!told) continue
    const judged = judgeHealth(one, told)
    health[judged] = (health[judged] ?? 0) + 1
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

/** Clusters that were given an application, and have not told of it since the hub began, while they have time to. */
function listUnheard(
  { state, status, heardBy, now }: GateFactsInput,
  fleet: Fleet,
  application: string,
): string[] {
  if (now >= heardBy) return []
  return [...fleet.clusters.keys()].filter((name) => {
    if (!state.assignments.get(name)?.get(application)?.digest) return false
    const told = status(name).applications[application]
    return !told || !isOfNow(status(name), told)
  })
}

function describeCluster({ fleet, state, status }: GateFactsInput, name: string): ClusterFacts {
  const told = status(name)
  const assigned = state.assignments.get(name)
  const applications = Object.entries(told.applications).map(([application, one]) => {
    const { phase, driftedObjects, digest, generation } = one
    const mine = assigned?.get(application)
    const isAssigned = mine?.digest === digest && mine.generation === generation
    const current = isAssigned && isOfNow(told, one)
    const health = judgeHealth(told, one)
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

/** Whether the agent said it in the stream that is open: what it said before is of another time. */
function isOfNow({ connection }: ClusterStatus, { updatedAt }: ApplicationStatus): boolean {
  return connection.state === 'Connected' && updatedAt >= connection.since
}

/**
 * By the stricter rules that a rollout goes by. What was well when it was last heard of may be so no more, and
 * opens no gate; what was not, counts as it was.
 */
function judgeHealth(cluster: ClusterStatus, told: ApplicationStatus): Health {
  const health = told.gate?.health ?? told.health
  return health === 'Current' && !isOfNow(cluster, told) ? 'Unknown' : health
}
