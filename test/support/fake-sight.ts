import type { Sight } from '../../hub/api/hub.ts'
import type { ClusterView, GroupView } from '../../hub/api/views.ts'

/** A cluster as somebody with a sight sees it; undefined where nothing on it is in sight. */
export function inSight(view: ClusterView, sight?: Sight): ClusterView | undefined {
  if (!sight) return view
  const applications = view.applications.filter(({ name }) => sight(name))
  return applications.length === 0 ? undefined : { ...view, applications }
}

/** Groups with something in sight, with those of their clusters alone. */
export function groupsInSight(
  { clusters, groups }: { clusters: readonly ClusterView[]; groups: readonly GroupView[] },
  sight?: Sight,
): readonly GroupView[] {
  if (!sight) return groups
  return groups.flatMap((group): GroupView[] => {
    const seen = clusters
      .filter(({ name }) => group.clusters.includes(name))
      .flatMap((one) => inSight(one, sight) ?? [])
    if (seen.length === 0) return []
    const connected = seen.filter(({ connection }) => connection.state === 'Connected').length
    const counts = { clusters: seen.length, connected, unreachable: seen.length - connected }
    return [{ ...group, clusters: seen.map(({ name }) => name), counts }]
  })
}
