import { ownerIn } from '../unit/agent/apply/put-before.ts'
import type { MemoryCluster } from './memory-cluster.ts'

export const movingClusterNames = ['a', 'b', 'c']

/** Clusters in which applications hand objects on, and what is to be seen in all of them, by their order. */
export function createMovingClusters() {
  const clusters = new Map<string, MemoryCluster>()
  const onAll = <T>(look: (cluster: MemoryCluster) => T): T[] => [...clusters.values()].map(look)
  return {
    clusters,
    onAll,
    idOf: (namespace: string, name: string) => `/ConfigMap/${namespace}/${name}`,
    uidsOf: (id: string) => onAll((cluster) => cluster.read(id)?.metadata.uid),
    ownersOf: (id: string) => onAll((cluster) => ownerIn(cluster, id)),
    everywhere: <T>(value: T) => movingClusterNames.map(() => value),
    /** Calls that delete something in a namespace. */
    deletionsIn: (namespace: string) =>
      onAll(({ calls }) =>
        calls.filter((call) => call.startsWith('delete') && call.includes(`/${namespace}`)),
      ).flat(),
  }
}
