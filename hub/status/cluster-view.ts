import type { ClusterDiffView, ClusterSummary, ClusterView, GroupView } from '../api/views.ts'
import type { Sight } from '../api/hub.ts'
import { knowCluster } from '../fleet/resolve/cluster-facts.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { membersOf } from '../fleet/resolve/group.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { Assignment } from '../rollout/rollout.ts'
import { viewDrift } from './drift-view.ts'
import type { ApplicationStatus, ClusterStatus, Connection, Health } from './status.ts'
import { holdsWithout, tellWithout } from './unseen.ts'

/** What the hub knows, as read models need it. */
export interface Known {
  readonly fleet: Fleet | null
  readonly state: LedgerState
  readonly status: (cluster: string) => ClusterStatus
  /** Sequence of the newest snapshot signed for a cluster, and when; by its name. */
  readonly offered: (cluster: string) => { sequence: number; at: number } | undefined
  readonly now: number
}

/** One word for an application on a cluster, and whether the agent reports what was decided. */
export type Standing = 'updated' | 'pending' | 'failed' | 'unreachable'

export function standingOf(
  assignment: Assignment | undefined,
  status: ApplicationStatus | undefined,
  connection: Connection,
): Standing {
  if (connection.state !== 'Connected') return 'unreachable'
  if (!assignment) return 'pending'
  const exact = isReported(assignment, status)
  if (exact && (status?.phase === 'Failed' || status?.health === 'Failed')) return 'failed'
  return exact && isSettled(assignment, status) ? 'updated' : 'pending'
}

/**
 * Whether nobody can vouch that what the cluster has is the newest: its agent says so, or it is
 * connected and its last freshness statement has run out.
 */
export function isStale(status: ClusterStatus, now: number): boolean {
  if (status.stale) return true
  if (status.connection.state !== 'Connected' || status.freshUntil === undefined) return false
  return status.freshUntil <= now
}

export function summarizeCluster(known: Known, name: string, sight?: Sight): ClusterSummary {
  const { applications: _, ...summary } = viewCluster(known, name, sight)
  return summary
}

/** With a sight, only of the applications in it. */
export function viewCluster(known: Known, name: string, sight?: Sight): ClusterView {
  const { fleet, state, now } = known
  const declared = fleet?.clusters.get(name)
  const status = known.status(name)
  const { connection } = status
  const applications = listApplications(known, name).filter((one) => !sight || sight(one.name))
  const unseen = sight ? listUnseen(known, name, sight) : nothing
  const offered = known.offered(name)
  const accepted = status.sequence
  const behind = offered !== undefined && offered.sequence > accepted
  const standings = applications.map(({ name: application }) =>
    standingOf(
      state.assignments.get(name)?.get(application),
      status.applications[application],
      connection,
    ),
  )
  const count = (standing: Standing): number =>
    standings.filter((found) => found === standing).length
  return {
    name,
    displayName: declared?.spec.displayName ?? '',
    labels: { ...declared?.labels },
    groups: fleet ? groupsOf(fleet, name) : [],
    lifecycle: lifecycleOf(known, name),
    lifecycleReason: state.revoked.get(name) ?? state.locked.get(name) ?? '',
    suspended: declared?.spec.suspend ?? false,
    connection: viewConnection(connection),
    lastSeen: toTime(status.lastSeen),
    agentVersion: status.agentVersion,
    kubernetesVersion: status.kubernetesVersion,
    facts: viewFacts(known, name),
    nodes: status.nodes,
    acceptedSequence: accepted,
    offeredSequence: offered?.sequence ?? accepted,
    lagSeconds: offered ? (behind ? Math.max(0, (now - offered.at) / 1000) : 0) : null,
    refusal: tellWithout(status.refusal, unseen),
    stale: isStale(status, now),
    auditFault: tellWithout(status.auditFault ?? status.ledgerFault ?? null, unseen),
    equivocations: (status.equivocations ?? []).map(({ at, ...found }) => ({
      ...found,
      at: new Date(at).toISOString(),
    })),
    holds: holdsWithout(status.holds ?? [], unseen).map(
      ({ refuse, until, applications: names, ...told }) => ({
        ...told,
        mode: refuse ? ('refuse' as const) : ('postpone' as const),
        until: toTime(until),
        applications: [...names],
      }),
    ),
    driftedObjects: applications.reduce((sum, { driftedObjects }) => sum + driftedObjects, 0),
    counts: {
      applications: applications.length,
      updated: count('updated'),
      pending: count('pending') + count('unreachable'),
      failed: count('failed'),
    },
    applications,
  }
}

const nothing: ReadonlySet<string> = new Set()

/** Of applications on a cluster, or on their way from it, those that are in no sight. */
function listUnseen(known: Known, cluster: string, sight: Sight): ReadonlySet<string> {
  const { applications } = known.status(cluster)
  const assigned = known.state.assignments.get(cluster)?.keys() ?? []
  const named = (known.status(cluster).holds ?? []).flatMap((hold) => hold.applications)
  return new Set([...assigned, ...Object.keys(applications), ...named].filter((one) => !sight(one)))
}

/** Whether any application in it is on the cluster. */
export function isInSight(known: Known, cluster: string, sight: Sight): boolean {
  return namesOn(known, cluster).some(sight)
}

/** With a sight, only of clusters in it; undefined where there are none. */
export function viewGroup(known: Known, name: string, sight?: Sight): GroupView | undefined {
  const group = known.fleet?.groups.get(name)
  if (!group || !known.fleet) return undefined
  const members = membersOf(known.fleet, group)
  const clusters = sight ? members.filter((one) => isInSight(known, one, sight)) : members
  if (sight && clusters.length === 0) return undefined
  const connected = clusters.filter((c) => known.status(c).connection.state === 'Connected').length
  return {
    name,
    labels: { ...group.labels },
    clusters,
    counts: { clusters: clusters.length, connected, unreachable: clusters.length - connected },
  }
}

export function viewDiff(known: Known, cluster: string, application: string): ClusterDiffView {
  const assignment = known.state.assignments.get(cluster)?.get(application)
  const { connection, applications } = known.status(cluster)
  const status = applications[application]
  return {
    cluster,
    connection: viewConnection(connection),
    desiredDigest: assignment?.digest ?? null,
    desiredRevision: assignment?.revision ?? null,
    reportedDigest: status?.digest ?? null,
    upToDate: isReported(assignment, status) && isSettled(assignment, status),
    driftedObjects: status?.driftedObjects ?? 0,
    drift: (status?.drift ?? []).map(viewDrift),
  }
}

/** Whether it is one of `listClusterNames`. */
export function isKnownCluster({ fleet, state }: Known, name: string): boolean {
  return fleet?.clusters.has(name) || state.enrolments.has(name) || state.assignments.has(name)
}

/** How an application on a cluster is, in one word each. */
export interface ApplicationStanding {
  readonly application: string
  readonly standing: Standing
  readonly drifted: boolean
  /** Unknown, as long as its agent said nothing of it. */
  readonly health: Health
}

/** Of each application on a cluster. */
export function listStandings(known: Known, cluster: string): ApplicationStanding[] {
  const { applications, connection } = known.status(cluster)
  const assigned = known.state.assignments.get(cluster)
  return namesOn(known, cluster).map((name) => ({
    application: name,
    standing: standingOf(assigned?.get(name), applications[name], connection),
    drifted: (applications[name]?.driftedObjects ?? 0) > 0,
    health: applications[name]?.health ?? 'Unknown',
  }))
}

interface NamesOfState {
  /** What the names were made of: any of it changes when they may. */
  readonly of: readonly unknown[]
  readonly names: readonly string[]
}

const namesByState = new WeakMap<LedgerState, NamesOfState>()

/** Every cluster that is declared, enrolled or ran something, by name; sorted when there are others. */
export function listClusterNames({ fleet, state }: Known): readonly string[] {
  const { enrolments, assignments, head } = state
  const of = [fleet, head, enrolments.size, assignments.size]
  const known = namesByState.get(state)
  if (known && of.every((part, at) => part === known.of[at])) return known.names
  const all = [fleet?.clusters.keys() ?? [], enrolments.keys(), assignments.keys()]
  const names = [...new Set(all.flatMap((keys) => [...keys]))].sort()
  namesByState.set(state, { of, names })
  return names
}

export function toTime(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString()
}

function listApplications(known: Known, cluster: string): ClusterView['applications'] {
  const assigned = known.state.assignments.get(cluster)
  const { applications } = known.status(cluster)
  return namesOn(known, cluster).map((name) => {
    const assignment = assigned?.get(name)
    const status = applications[name]
    const [error] = status?.errors ?? []
    const [object] = [...(status?.unhealthy ?? []), ...(status?.gate?.objects ?? [])]
    return {
      name,
      desiredDigest: assignment?.digest ?? null,
      desiredRevision: assignment?.revision ?? null,
      reportedDigest: status?.digest ?? null,
      upToDate: isReported(assignment, status) && isSettled(assignment, status),
      phase: status?.phase ?? null,
      health: status?.health ?? null,
      objects: status?.objects ?? 0,
      readyObjects: status?.readyObjects ?? 0,
      driftedObjects: status?.driftedObjects ?? 0,
      message: error
        ? [error.file, error.object, error.message].filter(Boolean).join(': ')
        : (status?.waiting ?? (object ? `${object.object}: ${object.message}` : '')),
      held: status?.held !== undefined,
      updatedAt: toTime(status?.updatedAt ?? null),
    }
  })
}

function isReported(
  assignment: Assignment | undefined,
  status: ApplicationStatus | undefined,
): boolean {
  return (
    assignment !== undefined &&
    status !== undefined &&
    status.digest === assignment.digest &&
    status.generation === assignment.generation
  )
}

function isSettled(
  assignment: Assignment | undefined,
  status: ApplicationStatus | undefined,
): boolean {
  if (assignment?.digest === null) return status?.phase === 'Removed'
  return status?.phase === 'Applied' && status.health === 'Current'
}

function lifecycleOf({ fleet, state }: Known, name: string): ClusterSummary['lifecycle'] {
  if (state.revoked.has(name)) return 'Revoked'
  if (!state.enrolments.has(name)) {
    if (state.pending.has(name)) return 'Pending'
    return fleet?.clusters.has(name) ? 'Declared' : 'Detached'
  }
  if (state.locked.has(name)) return 'Locked'
  return fleet && !fleet.clusters.has(name) ? 'Detached' : 'Enrolled'
}

function viewFacts({ fleet, state }: Known, name: string): NonNullable<ClusterSummary['facts']> {
  const { spec = {} } = fleet?.clusters.get(name) ?? {}
  const { kubernetesVersion, apiVersions, served } = knowCluster(
    spec,
    state.facts.get(name)?.at(-1),
  )
  const from = (isGit: boolean, isAgent: boolean) =>
    isGit ? ('git' as const) : isAgent ? ('agent' as const) : ('nobody' as const)
  return {
    kubernetesVersion,
    kubernetesVersionFrom: from(spec.kubernetesVersion !== undefined, kubernetesVersion !== ''),
    apis: apiVersions.length,
    apisFrom: from(spec.apiVersions !== undefined, served),
  }
}

/** Cluster → its groups, once for each commit: a page of clusters asks a hundred times. */
const groupsByFleet = new WeakMap<Fleet, Map<string, string[]>>()

function groupsOf(fleet: Fleet, cluster: string): string[] {
  let found = groupsByFleet.get(fleet)
  if (!found) {
    found = new Map()
    for (const group of fleet.groups.values()) {
      for (const member of membersOf(fleet, group)) {
        const mine = found.get(member)
        if (mine) mine.push(group.name)
        else found.set(member, [group.name])
      }
    }
    for (const mine of found.values()) mine.sort()
    groupsByFleet.set(fleet, found)
  }
  return found.get(cluster) ?? []
}

/** What it is assigned or still reports; not what was removed there as it should be. */
function namesOn(known: Known, cluster: string): string[] {
  const assigned = known.state.assignments.get(cluster)
  const { applications } = known.status(cluster)
  const names = [...new Set([...(assigned?.keys() ?? []), ...Object.keys(applications)])].sort()
  return names.filter((name) => {
    const removed = assigned?.get(name)?.digest === null
    return !removed || applications[name]?.phase !== 'Removed'
  })
}

function viewConnection(connection: Connection): ClusterSummary['connection'] {
  return {
    state: connection.state,
    since: connection.state === 'NeverConnected' ? null : toTime(connection.since),
  }
}
