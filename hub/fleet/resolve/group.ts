import type { Declared, Fleet } from '../fleet.ts'
import type { ClusterGroupSpec } from '../kinds/cluster.ts'
import { matchesSelector } from './selector.ts'

/**
 * Names of a group's clusters, sorted: those its selector matches and those it names, together.
 * Suspended clusters are members too.
 */
export function listGroupMembers(
  group: Declared<ClusterGroupSpec>,
  clusters: Fleet['clusters'],
): string[] {
  const { selector, clusters: named = [] } = group.spec
  const members = new Set(named.filter((name) => clusters.has(name)))
  if (selector) {
    for (const cluster of clusters.values()) {
      if (matchesSelector(selector, cluster.labels)) members.add(cluster.name)
    }
  }
  return [...members].sort()
}

const membersByFleet = new WeakMap<Fleet, Map<string, readonly string[]>>()

/** As `listGroupMembers`, once for each commit: pages ask for the same again and again. */
export function membersOf(fleet: Fleet, group: Declared<ClusterGroupSpec>): readonly string[] {
  let known = membersByFleet.get(fleet)
  if (!known) membersByFleet.set(fleet, (known = new Map()))
  let members = known.get(group.name)
  if (!members) known.set(group.name, (members = listGroupMembers(group, fleet.clusters)))
  return members
}

/** Whether a cluster is in a group; false for a group that is not there. */
export function isGroupMember(fleet: Fleet, group: string, cluster: string): boolean {
  const declared = fleet.groups.get(group)
  const member = fleet.clusters.get(cluster)
  if (!declared || !member) return false
  const { selector, clusters = [] } = declared.spec
  return clusters.includes(cluster) || (!!selector && matchesSelector(selector, member.labels))
}
