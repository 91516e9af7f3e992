import type { Fleet } from '../../fleet/fleet.ts'
import { isGroupMember } from '../../fleet/resolve/group.ts'
import type { ProjectWindow } from '../../fleet/kinds/project.ts'
import { matchesTarget } from '../../fleet/resolve/matches-target.ts'
import type { ApplicationSpec } from '../../fleet/kinds/application.ts'
import { projectNameOf, projectOf } from '../../fleet/resolve/tenancy.ts'
import { lastProjectOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { RolloutPlan } from '../rollout.ts'
import { appliesTo, type Window } from './windows.ts'

/** Windows of a fleet, by application and cluster, as far as somebody asked. */
interface Known {
  readonly byApplication: Map<string, Map<string, readonly Window[]>>
  /** Clusters whose windows are alike have the very same list. */
  readonly alike: Map<string, readonly Window[]>
}

const knownByFleet = new WeakMap<Fleet, Known>()

export interface DeclaredWindow {
  readonly ownerKind: 'Project' | 'ClusterGroup' | 'Cluster'
  readonly owner: string
  /** With the clusters it is for: a group's are that group's, a cluster's is itself. */
  readonly window: ProjectWindow
}

/** All that the fleet declares: those of Projects, of ClusterGroups, of Clusters, each by name. */
export function* listDeclaredWindows(fleet: Fleet): Generator<DeclaredWindow> {
  for (const { name: owner, spec } of byName(fleet.projects)) {
    for (const window of spec.windows ?? []) yield { ownerKind: 'Project', owner, window }
  }
  for (const { name: owner, spec } of byName(fleet.groups)) {
    for (const one of spec.windows ?? []) {
      yield { ownerKind: 'ClusterGroup', owner, window: { ...one, clusterGroup: owner } }
    }
  }
  for (const { name: owner, spec } of byName(fleet.clusters)) {
    for (const one of spec.windows ?? []) {
      yield { ownerKind: 'Cluster', owner, window: { ...one, clusters: [owner] } }
    }
  }
}

function byName<T extends { readonly name: string }>(all: ReadonlyMap<string, T>): T[] {
  return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What tells of which Project an application was that Git declares no more. */
type Past = Pick<LedgerState, 'plans' | 'rolloutsOf'>

/** All that concern an application on a cluster; lists that are alike are one. */
export function windowsOn(
  fleet: Fleet,
  past: Past,
  application: string,
  cluster: string,
): readonly Window[] {
  const known = knownByFleet.get(fleet) ?? { byApplication: new Map(), alike: new Map() }
  knownByFleet.set(fleet, known)
  const mine = known.byApplication.get(application) ?? new Map<string, readonly Window[]>()
  known.byApplication.set(application, mine)
  const held = mine.get(cluster)
  if (held) return held
  const found = findWindows(fleet, past, application, cluster)
  const key = JSON.stringify(found)
  const one = known.alike.get(key) ?? found
  known.alike.set(key, one)
  mine.set(cluster, one)
  return one
}

function findWindows(fleet: Fleet, past: Past, application: string, cluster: string): Window[] {
  const declared = fleet.clusters.get(cluster)
  const found: Window[] = []
  for (const { name, windows } of declared ? listProjects(fleet, past, application) : []) {
    for (const window of windows) {
      const { clusterSelector, clusterGroup, clusters } = window
      const everywhere = !clusterSelector && clusterGroup === undefined && !clusters
      if (everywhere || matchesTarget(fleet, window, declared!)) {
        found.push({ ...window, of: `Project ${name}` })
      }
    }
  }
  for (const group of fleet.groups.values()) {
    if (!group.spec.windows || !isGroupMember(fleet, group.name, cluster)) continue
    const of = `ClusterGroup ${group.name}`
    found.push(...group.spec.windows.map((window) => ({ ...window, of })))
  }
  const of = `Cluster ${cluster}`
  found.push(...(declared?.spec.windows ?? []).map((window) => ({ ...window, of })))
  return found.filter((window) => appliesTo(window, application))
}

/**
 * The Project of an application with its windows. One that is deleted is still held by those of the Project it
 * was in; where nobody kept which that was, by whatever freezes any.
 */
function listProjects(
  fleet: Fleet,
  past: Past,
  application: string,
): { readonly name: string; readonly windows: readonly ProjectWindow[] }[] {
  const spec = fleet.applications.get(application)?.spec
  const last = spec ? undefined : lastProjectOf(past, application)
  if (!spec && last === undefined) {
    return byName(fleet.projects).map(({ name, spec: { windows = [] } }) => ({
      name,
      windows: windows.filter(({ kind }) => kind === 'deny'),
    }))
  }
  const project = spec ? projectOf(fleet, spec) : fleet.projects.get(last!)
  return project ? [{ name: project.name, windows: project.spec.windows ?? [] }] : []
}

/** What a plan keeps of the Project, so that the windows of that hold when its application leaves Git. */
export function keepProject(
  spec: ApplicationSpec | undefined,
  last: string | undefined,
): Pick<RolloutPlan, 'project'> {
  const project = spec ? projectNameOf(spec) : last
  return project === undefined ? {} : { project }
}
