import type { ClusterOrder, ClusterQuery, PlacedCluster, Sight } from '../api/hub.ts'
import { type Place, sortPlaces } from '../api/order.ts'
import {
  type ApplicationStanding,
  type Known,
  listClusterNames,
  listStandings,
  summarizeCluster,
} from './cluster-view.ts'

export interface ClusterListDeps {
  readonly sight: Sight | undefined
  /** Of each application on a cluster, counted before somebody asked. */
  readonly standingsOf: (cluster: string) => readonly ApplicationStanding[]
}

/** Clusters in order: what they are sorted by is known of all, and only those that are read are looked at. */
export function* listClusters(
  known: Known,
  { order, after, keep }: ClusterQuery,
  { sight, standingsOf }: ClusterListDeps,
): Generator<PlacedCluster> {
  const standings = (cluster: string): readonly ApplicationStanding[] =>
    sight
      ? listStandings(known, cluster).filter(({ application }) => sight(application))
      : standingsOf(cluster)
  const places = listClusterNames(known)
    .filter((name) => !keep || keep(known.fleet?.clusters.get(name)?.labels ?? {}))
    .map((name): Place => ({ name, key: keyOf(known, order.by, name, standings) }))
  for (const place of sortPlaces(places, order, after)) {
    const cluster = summarizeCluster(known, place.name, sight)
    // Who may see none of its applications is not told that it is there.
    if (!sight || cluster.counts.applications > 0) yield { cluster, place }
  }
}

/** Characters of a text that sorts: agents say it, and a cursor has to hold it. */
const longestKey = 60
const connectionRank = { Connected: 2, Disconnected: 1, NeverConnected: 0 } as const

function keyOf(
  known: Known,
  by: ClusterOrder,
  name: string,
  standings: (cluster: string) => readonly ApplicationStanding[],
): string | number {
  if (by === 'name') return name
  const status = known.status(name)
  switch (by) {
    case 'connection':
      return connectionRank[status.connection.state]
    case 'lastSeen':
      return status.lastSeen ?? 0
    case 'lag': {
      const offered = known.offered(name)
      return offered && offered.sequence > status.sequence ? known.now - offered.at : 0
    }
    case 'nodes':
      return status.nodes
    case 'kubernetesVersion':
      return status.kubernetesVersion.slice(0, longestKey)
    case 'agentVersion':
      return status.agentVersion.slice(0, longestKey)
    case 'drifted':
      return standings(name).filter(({ drifted }) => drifted).length
    case 'updated':
    case 'pending':
    case 'failed':
    case 'unreachable':
      return standings(name).filter(({ standing }) => standing === by).length
  }
}
