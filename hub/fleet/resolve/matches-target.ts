import type { Declared, Fleet } from '../fleet.ts'
import { isGroupMember } from './group.ts'
import type { ClusterSpec } from '../kinds/cluster.ts'
import type { LabelSelector } from '../kinds/fields.ts'
import { matchesSelector } from './selector.ts'

/** How an Application's target, or a Project's destination, picks clusters. */
export interface ClusterConditions {
  readonly clusterSelector?: LabelSelector
  readonly clusterGroup?: string
  readonly clusters?: readonly string[]
}

/** Whether all of a target's conditions hold for a cluster. A target with none matches nothing. */
export function matchesTarget(
  fleet: Fleet,
  target: ClusterConditions,
  cluster: Declared<ClusterSpec>,
): boolean {
  const { clusterSelector, clusterGroup, clusters } = target
  if (!clusterSelector && clusterGroup === undefined && !clusters) return false
  return (
    (!clusterSelector || matchesSelector(clusterSelector, cluster.labels)) &&
    (clusterGroup === undefined || isGroupMember(fleet, clusterGroup, cluster.name)) &&
    (!clusters || clusters.includes(cluster.name))
  )
}
