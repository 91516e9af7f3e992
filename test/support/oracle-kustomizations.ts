/* Kustomizations that use what kustomizations use, built at `top` by us and by kustomize. */

export const top = 'overlays/eu'

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes:
      - {name: settings, configMap: {name: settings}}
      - {name: token, secret: {secretName: token, defaultMode: 0440}}
      containers:
      - name: web
        image: example.com/web:1.0.0
        args: [--on, "yes", --port=8080]
        env:
        - {name: A, value: "1"}
        - {name: PEER, valueFrom: {configMapKeyRef: {name: settings, key: peer}}}
        ports: [{containerPort: 8080}]
      - name: side
        image: example.com/side@sha256:${'a'.repeat(64)}
`
const service = `apiVersion: v1
kind: Service
metadata: {name: web, annotations: {note: "yes"}}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`
const widget =
  'apiVersion: x.io/v1\nkind: Widget\nmetadata: {name: w}\nspec:\n  big: 9007199254740993\n  on: on\n  mode: 0644\n  ratio: 1.50\n  exp: 1e3\n  time: 12:30:45\n  day: 2024-01-01\n  at: 2024-01-01T10:00:00Z\n  tiny: 1e-7\n  huge: 12345678901234567890\n  hex: 0x1F\n  octal: 0o17\n  under: 1_000\n  yes: yes\n  quoted: "yes"\n  block: |\n    a\n    b\n  folded: >-\n    a\n    b\n  empty: {}\n  none: []\n  text: "0644"\n  nothing: ~\n  list: [{name: a, v: 1}, {name: b, v: 2}]\n'

const emptyAnnotations = ['{}', 'null', '', '{a: ""}', '{a: "1"}']
  .map(
    (text, at) =>
      `---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map-${at}\n  annotations: ${text}\n`,
  )
  .join('')

const base = {
  'base/kustomization.yaml': 'resources: [web.yaml, service.yaml]\n',
  'base/web.yaml': deployment,
  'base/service.yaml': service,
}

/** The base, and an overlay on it that says this. */
const over = (text: string, more: Readonly<Record<string, string>> = {}) => ({
  ...base,
  [`${top}/kustomization.yaml`]: `resources: [../../base]\n${text}`,
  ...more,
})

const many = Array.from(
  { length: 400 },
  (_, at) =>
    `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: many-${at}}\ndata: {at: "${at}"}\n`,
).join('')

export const kustomizations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'names, namespace, labels and annotations': over(
    'namePrefix: eu-\nnameSuffix: -v1\nnamespace: shop\nlabels:\n- pairs: {region: eu}\n  includeSelectors: true\n- pairs: {team: a}\n  includeTemplates: true\ncommonAnnotations: {owner: me}\n',
  ),
  'one file, and annotations that are empty': {
    [`${top}/kustomization.yaml`]: 'resources: [all.yaml]\nnamespace: shop\n',
    [`${top}/all.yaml`]: emptyAnnotations,
  },
  'two files, and annotations that are empty': {
    [`${top}/kustomization.yaml`]: 'resources: [all.yaml, service.yaml]\nnamespace: shop\n',
    [`${top}/all.yaml`]: emptyAnnotations,
    [`${top}/service.yaml`]: service,
  },
  'common labels': over('commonLabels: {region: eu}\n'),
  'images and replicas': over(
    `images:\n- {name: example.com/web, newTag: 2.0.0}\n- {name: example.com/side, newName: mirror/side, digest: "sha256:${'b'.repeat(64)}"}\nreplicas:\n- {name: web, count: 5}\n`,
  ),
  'generators with hashes that references follow': over(
    `configMapGenerator:
- name: settings
  literals: [peer=other, port=8080]
  files: [app.ini, renamed=app.ini]
- name: from-env
  envs: [some.env]
secretGenerator:
- name: token
  literals: [token=secret]
  type: Opaque
`,
    {
      [`${top}/app.ini`]: '[a]\nb=c\n',
      [`${top}/some.env`]: '# comment\nA=1\nB="two"\nEMPTY=\n',
    },
  ),
  'generators without hashes, immutable, with labels': over(
    'generatorOptions: {disableNameSuffixHash: true, immutable: true, labels: {made: here}}\nconfigMapGenerator:\n- name: settings\n  literals: ["a=b=c"]\n  options: {annotations: {x: why}}\n',
  ),
  'a generated map merged and one replaced over the base': {
    ...base,
    'base/kustomization.yaml':
      'resources: [web.yaml]\nconfigMapGenerator:\n- {name: settings, literals: [a=1, b=2]}\n- {name: other, literals: [a=1]}\n',
    [`${top}/kustomization.yaml`]:
      'resources: [../../base]\nconfigMapGenerator:\n- {name: settings, behavior: merge, literals: [b=3]}\n- {name: other, behavior: replace, literals: [z=1]}\n',
  },
  'a binary file becomes binaryData': over('configMapGenerator:\n- {name: bin, files: [b.bin]}\n', {
    [`${top}/b.bin`]: '\u0000\u0001\u0002',
  }),
  'strategic merge patches, inline and from files': over(
    `patches:
- path: more.yaml
- target: {kind: Deployment}
  patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: any}
    spec: {template: {spec: {containers: [{name: web, env: [{name: B, value: "2"}]}, {name: side, $patch: delete}]}}}
patchesStrategicMerge:
- |-
  apiVersion: v1
  kind: Service
  metadata: {name: web}
  spec: {type: LoadBalancer}
`,
    {
      [`${top}/more.yaml`]:
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n  template: {spec: {containers: [{name: web, resources: {limits: {cpu: 500m, memory: 1Gi}}}]}}\n',
    },
  ),
  'JSON 6902 patches': over(
    'patches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 7}\n    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: C, value: "3"}}\n    - {op: remove, path: /spec/template/spec/containers/1}\n- target: {kind: Service}\n  path: service.json\n',
    { [`${top}/service.json`]: '[{"op":"add","path":"/metadata/annotations/x~1y","value":"z"}]' },
  ),
  'a patch that deletes an object': over(
    'patches:\n- patch: |-\n    $patch: delete\n    apiVersion: v1\n    kind: Service\n    metadata: {name: web}\n',
  ),
  'patches by label selector': over(
    'patches:\n- target: {labelSelector: app=web}\n  patch: |-\n    - {op: add, path: /metadata/labels/found, value: "true"}\n',
  ),
  components: {
    ...over('components: [../../components/debug]\n'),
    'components/debug/kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [extra.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/template/spec/containers/0/args/-, value: --debug}\n',
    'components/debug/extra.yaml':
      'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: debug}\n',
  },
  replacements: over(
    `configMapGenerator:
- {name: source, literals: [host=eu.example.com]}
replacements:
- source: {kind: ConfigMap, name: source, fieldPath: data.host}
  targets:
  - select: {kind: Service}
    fieldPaths: [metadata.annotations.note]
  - select: {kind: Deployment}
    fieldPaths: ["spec.template.spec.containers.[name=web].env.[name=A].value"]
- path: image.yaml
`,
    {
      [`${top}/image.yaml`]:
        'source: {kind: Deployment, name: web, fieldPath: "spec.template.spec.containers.0.image", options: {delimiter: ":", index: 1}}\ntargets:\n- select: {kind: Service}\n  fieldPaths: [metadata.labels.version]\n  options: {create: true}\n',
    },
  ),
  vars: over(
    'vars:\n- name: SERVICE\n  objref: {apiVersion: v1, kind: Service, name: web}\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "$(SERVICE)"}\n',
  ),
  'bases of bases, a diamond of directories': {
    ...base,
    'middle/kustomization.yaml': 'resources: [../base]\nnamePrefix: m-\n',
    'other/kustomization.yaml': 'resources: [../base]\nnamePrefix: o-\n',
    [`${top}/kustomization.yaml`]: 'resources: [../../middle, ../../other]\n',
  },
  'scalars that two YAMLs read differently': {
    [`${top}/kustomization.yaml`]: 'resources: [w.yaml]\n',
    [`${top}/w.yaml`]: widget,
  },
  'anchors, and annotations that are empty': {
    [`${top}/kustomization.yaml`]: 'resources: [w.yaml]\n',
    [`${top}/w.yaml`]:
      'apiVersion: x.io/v1\nkind: Widget\nmetadata: {name: w, annotations: {}, labels: {}}\nspec:\n  a: &a {b: 1, c: [x]}\n  d: *a\n  e: {<<: *a, b: 2}\n',
  },
  'the same scalars, after a patch': {
    [`${top}/kustomization.yaml`]:
      'resources: [w.yaml]\npatches:\n- target: {kind: Widget}\n  patch: |-\n    - {op: add, path: /spec/added, value: 9007199254740993}\n- patch: |-\n    apiVersion: x.io/v1\n    kind: Widget\n    metadata: {name: w}\n    spec: {mode: 0600, on: off, list: [{name: c}]}\n',
    [`${top}/w.yaml`]: widget,
  },
  'transformers and generators of the built-in kinds': over(
    'transformers: [t.yaml]\ngenerators:\n- |-\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: g}\n  literals: [a=b]\n',
    {
      [`${top}/t.yaml`]:
        'apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: t}\nannotations: {by: transformer}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n---\napiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: p-\nfieldSpecs: [{path: metadata/name}]\n',
    },
  ),
  'configurations and a CRD with references': over(
    'namePrefix: eu-\nconfigurations: [refs.yaml]\n',
    {
      'base/kustomization.yaml': 'resources: [web.yaml, service.yaml, w.yaml]\n',
      'base/w.yaml':
        'apiVersion: x.io/v1\nkind: Widget\nmetadata: {name: w}\nspec: {service: web}\n',
      [`${top}/refs.yaml`]:
        'nameReference:\n- kind: Service\n  fieldSpecs: [{path: spec/service, kind: Widget}]\n',
    },
  ),
  'lists of objects, json, and several documents in a file': {
    [`${top}/kustomization.yaml`]: 'resources: [list.yaml, many.yaml, one.json]\nnamespace: shop\n',
    [`${top}/list.yaml`]:
      'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n',
    [`${top}/many.yaml`]: many,
    [`${top}/one.json`]: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}',
  },
  'cluster-scoped kinds and a namespace that is set': {
    [`${top}/kustomization.yaml`]: 'resources: [r.yaml]\nnamespace: shop\nnamePrefix: x-\n',
    [`${top}/r.yaml`]:
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}\nsubjects:\n- {kind: ServiceAccount, name: default, namespace: other}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: []\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n',
  },
  'a text that ends the kustomization': over(
    'configMapGenerator:\n- name: kept\n  literals:\n  - |+\n    motd=hello\n',
  ),
  'a text whose line has no end': over(
    'configMapGenerator:\n- name: cut\n  literals:\n  - |\n    motd=hello',
  ),
  'fields that are all indented': {
    ...base,
    [`${top}/kustomization.yaml`]: '# ours\n---\n  resources:\n  - ../../base\n  - other.yaml\n',
    [`${top}/other.yaml`]: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n',
  },
  'a kustomization of comments': { ...base, [`${top}/kustomization.yaml`]: '# resources: []\n' },
  'sort order': over('sortOptions: {order: legacy}\n'),
  'validators and empty fields': over('validators: []\n'),
  'a field nobody knows': over('imagez: []\n'),
  'a resource given twice': {
    [`${top}/kustomization.yaml`]: 'resources: [a.yaml, b.yaml]\n',
    [`${top}/a.yaml`]: service,
    [`${top}/b.yaml`]: service,
  },
  'a patch without a target': over(
    'patches:\n- patch: |-\n    apiVersion: v1\n    kind: Service\n    metadata: {name: nowhere}\n',
  ),
  'a cycle': {
    [`${top}/kustomization.yaml`]: 'resources: [../us]\n',
    'overlays/us/kustomization.yaml': 'resources: [../eu]\n',
  },
}
