import type { FleetFiles } from '../support/fleet-files.ts'

/** Of a fleet to check; the goal is of these numbers. */
export const checkApplications = 20
export const checkOverlays = 10

const api = 'apiVersion: groundswell.dev/v1alpha1'

/**
 * Clusters, and applications that are a kustomization of four objects with a patch for each tenth
 * of the clusters: as many distinct renders as applications times overlays.
 */
export function checkFleetFiles(clusters: number): FleetFiles {
  const names = Array.from({ length: clusters }, (_, at) => `edge-${at}`)
  const applications = Array.from({ length: checkApplications }, (_, at) => `app-${at}`)
  return {
    'fleet/clusters.yaml': names
      .map(
        (name, at) => `${api}
kind: Cluster
metadata: {name: ${name}, labels: {overlay: "${at % checkOverlays}"}}
spec: {}
`,
      )
      .join('---\n'),
    ...Object.assign({}, ...applications.map(applicationFiles)),
  }
}

function applicationFiles(name: string): FleetFiles {
  const targets = Array.from(
    { length: checkOverlays },
    (_, overlay) => `    - clusterSelector: {matchLabels: {overlay: "${overlay}"}}
      patches:
        - patch: |
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec: {replicas: ${overlay + 1}}
`,
  )
  return {
    [`fleet/${name}.yaml`]: `${api}
kind: Application
metadata: {name: ${name}}
spec:
  source: {path: apps/${name}}
  targetNamespace: ${name}
  createNamespace: true
  targets:
${targets.join('')}`,
    [`apps/${name}/kustomization.yaml`]: `resources: [deployment.yaml, service.yaml]
labels: [{pairs: {app: ${name}}, includeSelectors: true}]
configMapGenerator:
  - name: settings
    literals: [application=${name}, mode=production]
`,
    [`apps/${name}/deployment.yaml`]: `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: web
          image: registry.example/${name}:1.0.0
          ports: [{containerPort: 8080}]
          envFrom: [{configMapRef: {name: settings}}]
`,
    [`apps/${name}/service.yaml`]: `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80, targetPort: 8080}]}
`,
  }
}
