/** Text of a small fleet repository: clusters in two rings, one application of one ConfigMap. */
export interface FleetFiles {
  readonly [path: string]: string
}

const api = 'apiVersion: groundswell.dev/v1alpha1'

/** Clusters of which the first few are in the ring canary, and the others in the ring production. */
export function ringedClusters(names: readonly string[], canaries: number): FleetFiles {
  return {
    'fleet/clusters.yaml': names
      .map(
        (name, at) => `${api}
kind: Cluster
metadata:
  name: ${name}
  labels:
    ring: ${at < canaries ? 'canary' : 'production'}
spec: {}
`,
      )
      .join('---\n'),
  }
}

/** Clusters `a` (ring canary), `b` and `c` (ring production). */
export const clusterFiles: FleetFiles = ringedClusters(['a', 'b', 'c'], 1)

/** A canary wave, then production one by one; `soak` makes waves last. */
export function strategyFile(soak: string, more = ''): FleetFiles {
  return {
    'fleet/strategy.yaml': `${api}
kind: RolloutStrategy
metadata:
  name: careful
spec:
  waves:
    - name: canary
      selector: {matchLabels: {ring: canary}}
      soak: ${soak}
      progressDeadline: 60s
    - name: production
      selector: {matchLabels: {ring: production}}
      maxConcurrent: 1
      soak: ${soak}
      progressDeadline: 60s
${more}`,
  }
}

/** An application of one ConfigMap in a namespace of its own. */
export function applicationFiles(name: string, text: string, more = ''): FleetFiles {
  return {
    [`fleet/${name}.yaml`]: `${api}
kind: Application
metadata:
  name: ${name}
spec:
  source:
    path: apps/${name}
  targets:
    - clusterSelector: {}
  targetNamespace: ${name}
  createNamespace: true
  rolloutStrategy: careful
${more}`,
    [`apps/${name}/settings.yaml`]: configMap('settings', text),
  }
}

export function configMap(name: string, text: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
data:
  text: ${JSON.stringify(text)}
`
}
