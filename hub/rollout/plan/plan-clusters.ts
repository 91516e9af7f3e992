import type { Fleet } from '../../fleet/fleet.ts'
import { listGroupMembers } from '../../fleet/resolve/group.ts'
import type { PlanCluster } from './pick.ts'

/** All clusters of a fleet, as waves pick them. */
export function listPlanClusters({
  clusters,
  groups,
}: Pick<Fleet, 'clusters' | 'groups'>): Record<string, PlanCluster> {
  const members = [...groups.values()].map((group) => ({
    name: group.name,
    members: new Set(listGroupMembers(group, clusters)),
  }))
  return Object.fromEntries(
    [...clusters.values()].map(({ name, labels }) => [
      name,
      { labels, groups: members.filter((one) => one.members.has(name)).map((one) => one.name) },
    ]),
  )
}
