import { imageDigest, propertiesText } from './config-text.ts'

/* The fleet that benchmarks roll out: 34 objects in 60 KB (the shape Nova measured with), one
   kustomize overlay that is the same for every cluster. */

const api = 'apiVersion: groundswell.dev/v1alpha1'
/** Objects of the application. */
export const objects = 34
const deployments = 11
const configs = 11
/** A file has at most 1 MiB. */
const clustersInFile = 1_000
const configBytes = 4_000
/** A kustomization names its files; the directory holds them. */
const directory = 'apps/web'

export const application = 'web'
/** File, and object, that a run changes. */
export const changedFile = `${directory}/config-0.yaml`

export function clusterName(index: number): string {
  return `c${String(index).padStart(5, '0')}`
}

/** The fleet without the application: agents join before there is anything to roll out. */
export function clusterFiles(clusters: number): Record<string, string> {
  const documents = Array.from(
    { length: clusters },
    (_, index) =>
      `${api}\nkind: Cluster\nmetadata:\n  name: ${clusterName(index)}\n  labels: {ring: all}\nspec: {}\n`,
  )
  const files: Record<string, string> = {}
  for (let at = 0; at === 0 || at < documents.length; at += clustersInFile) {
    const name = `fleet/clusters-${at / clustersInFile}.yaml`
    files[name] = documents.slice(at, at + clustersInFile).join('---\n')
  }
  return files
}

/** The application: everything in one wave, at once, without a soak. */
export function applicationFiles(): Record<string, string> {
  const objects: Record<string, string> = {
    'namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: web\n',
  }
  for (let index = 0; index < deployments; index++) {
    objects[`deployment-${index}.yaml`] = deployment(`web-${index}`)
    objects[`service-${index}.yaml`] = service(`web-${index}`)
  }
  for (let index = 0; index < configs; index++) {
    objects[`config-${index}.yaml`] = configText(index, 'first')
  }
  const resources = Object.keys(objects).map((name) => `  - ${name}\n`)
  const files = Object.entries(objects).map(([name, text]) => [`${directory}/${name}`, text])
  return {
    ...(Object.fromEntries(files) as Record<string, string>),
    [`${directory}/kustomization.yaml`]: `namespace: web\nresources:\n${resources.join('')}`,
    'fleet/web.yaml': `${api}
kind: Application
metadata:
  name: ${application}
spec:
  source:
    path: ${directory}
    kustomize: {}
  targets:
    - clusterSelector: {}
  targetNamespace: web
  rolloutStrategy: at-once
`,
    'fleet/strategy.yaml': `${api}
kind: RolloutStrategy
metadata:
  name: at-once
spec:
  waves:
    - name: all
      selector: {}
`,
  }
}

/** Bytes of the application's objects as YAML: what a hub that knew nothing would send. */
export function rawBytes(): number {
  const files = Object.entries(applicationFiles()).filter(
    ([name]) => name.startsWith(directory) && !name.endsWith('/kustomization.yaml'),
  )
  return files.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0)
}

/** The object a run changes, saying `word`. */
export function changedText(word: string): string {
  return configText(0, word)
}

function configText(index: number, word: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: config-${index}
data:
  word: ${word}
  settings: |
${propertiesText(`config-${index}`, configBytes)}`
}

function deployment(name: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: {app: ${name}}
spec:
  replicas: 2
  selector:
    matchLabels: {app: ${name}}
  template:
    metadata:
      labels: {app: ${name}}
    spec:
      terminationGracePeriodSeconds: 30
      containers:
        - name: web
          image: registry.invalid/${name}:1.0.0@${imageDigest(name)}
          args: [--listen=:8080, --name=${name}, --log-level=info]
          ports: [{name: http, containerPort: 8080}]
          env:
            - {name: NAME, value: ${name}}
            - {name: REGION, value: everywhere}
          envFrom: [{configMapRef: {name: config-0}}]
          readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 5}
          livenessProbe: {httpGet: {path: /live, port: http}, periodSeconds: 10}
          resources:
            requests: {cpu: 50m, memory: 64Mi}
            limits: {memory: 128Mi}
          securityContext:
            runAsNonRoot: true
            readOnlyRootFilesystem: true
            allowPrivilegeEscalation: false
`
}

function service(name: string): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  labels: {app: ${name}}
spec:
  selector: {app: ${name}}
  ports: [{name: http, port: 80, targetPort: http}]
`
}
