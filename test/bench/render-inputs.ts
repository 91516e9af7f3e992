/* Small inputs, each one different, and a large one. */

export type Files = Readonly<Record<string, string>>

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.0.0
        ports: [{containerPort: 8080}]
`

/** One object and its namespace. */
export function small(distinct: number): Files {
  return {
    'kustomization.yaml': 'namespace: shop\nresources: [settings.yaml]\n',
    'settings.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {text: "${distinct}"}\n`,
  }
}

/** An overlay that names its namespace, its image and how often it runs. */
export function overlay(distinct: number): Files {
  return {
    'base/kustomization.yaml': 'resources: [web.yaml]\n',
    'base/web.yaml': deployment,
    'overlay/kustomization.yaml': `namespace: shop
resources: [../base]
images:
- {name: example.com/web, newTag: "2.0.${distinct}"}
replicas:
- {name: web, count: 3}
`,
  }
}

/** A chart, the same for all, as what differs from cluster to cluster is its values. */
export const chart: Files = {
  'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  'values.yaml': 'tag: 1.0.0\nreplicas: 1\n',
  'templates/_name.tpl': '{{ define "name" }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}',
  'templates/web.yaml': deployment
    .replace('name: web,', 'name: {{ include "name" . }},')
    .replace('replicas: 1', 'replicas: {{ .Values.replicas }}')
    .replace('web:1.0.0', 'web:{{ .Values.tag }}'),
}

/** What one cluster sets. */
export const valuesOf = (distinct: number) => ({ tag: `2.0.${distinct}`, replicas: 3 })

/** A kustomization of some five megabytes: big definitions, many objects, a label for all. */
export function large(): Files {
  const definitions = Array.from({ length: 5 }, (_, at) => definition(at)).join('---\n')
  const maps = Array.from(
    { length: 400 },
    (_, at) =>
      `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-${at}}\ndata: {text: "${'x'.repeat(200)}"}\n`,
  ).join('')
  return {
    'kustomization.yaml':
      'resources: [definitions.yaml, maps.yaml]\ncommonAnnotations: {owner: bench}\n',
    'definitions.yaml': definitions,
    'maps.yaml': maps,
  }
}

function definition(at: number): string {
  const words = 'A description of the length that generated definitions have, field after field. '
  const fields = Array.from(
    { length: 5_000 },
    (_, field) =>
      `            field${field}:\n              description: ${words}${words}\n              type: string\n`,
  )
  return (
    `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: wide${at}.bench.io}
spec:
  group: bench.io
  names: {kind: Wide${at}, plural: wide${at}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
${fields.join('').replace(/^/gm, '  ')}
`.trimEnd() + '\n'
  )
}
