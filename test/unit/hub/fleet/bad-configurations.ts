/* What people get wrong in fleet configuration, and what they must be told. */

/** The first four lines of a document. */
export const head = (kind: string, name: string) =>
  `apiVersion: groundswell.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\n`

/** An Application whose spec is given; `spec:` is line 5. */
export const application = (spec: string) =>
  `${head('Application', 'a')}spec:\n${spec.replace(/^/gm, '  ')}\n`
/** An Application whose only target is given, from line 9 and column 7. */
export const withTarget = (target: string) =>
  application(`source:\n  path: a\ntargets:\n  - ${target.replaceAll('\n', '\n    ')}`)
/** One wave of a strategy, from line 7 and column 7. */
export const withWave = (wave: string) =>
  `${head('RolloutStrategy', 's')}spec:\n  waves:\n    - ${wave.replaceAll('\n', '\n      ')}\n`
const repository = (spec: string) =>
  `${head('Repository', 'r')}spec:\n${spec.replace(/^/gm, '  ')}\n`
export const every = 'targets:\n  - clusterSelector: {}'

/** What stands in bad.yaml → where the fault is, and words it must have. */
export const badConfigurations: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'B87: unknown field, near miss',
    application(`pruen: true\nsource:\n  path: a\n${every}`),
    '6:3',
    /unknown field "pruen", did you mean "prune"\?/,
  ],
  [
    'a limit of deletions that is no count and no percentage',
    application(`pruneLimit: 130%\nsource:\n  path: a\n${every}`),
    '6:15',
    /"130%" is not a whole number of at least 0 or a percentage/,
  ],
  [
    'a confirmation that no agent asked for',
    application(`confirmPrune: ["yes"]\nsource:\n  path: a\n${every}`),
    '6:18',
    /sha256: and 64 hex digits/,
  ],
  [
    'unknown field, nothing near',
    application(`colour: red\nsource:\n  path: a\n${every}`),
    '6:3',
    /unknown field "colour"; known: project, source, targets/,
  ],
  [
    'unknown field at the top',
    `${head('Cluster', 'c')}spec: {}\nstatus: {}\n`,
    '6:1',
    /unknown field "status"/,
  ],
  [
    'unknown field in metadata',
    `${head('Cluster', 'c')}  namespace: x\nspec: {}\n`,
    '5:3',
    /unknown field "namespace"/,
  ],
  [
    'B87: wrong type: text for boolean',
    application(`prune: "true"\nsource:\n  path: a\n${every}`),
    '6:10',
    /"true" is not true or false/,
  ],
  ['wrong type: list for map', application(`source: []\n${every}`), '6:11', /a list is not a map/],
  [
    'wrong type: number for text',
    `${head('Cluster', 'c')}  labels:\n    zone: 1\nspec: {}\n`,
    '6:11',
    /1 is not text/,
  ],
  ['wrong type: nothing for map', `${head('Cluster', 'c')}spec:\n`, '5:6', /nothing is not a map/],
  ['missing spec', head('Cluster', 'c'), '1:1', /`spec` is missing/],
  [
    'missing name',
    'apiVersion: groundswell.dev/v1alpha1\nkind: Cluster\nmetadata: {}\nspec: {}\n',
    '3:1',
    /`name` is missing/,
  ],
  [
    'B90: name with capitals',
    `${head('Cluster', 'Edge')}spec: {}\n`,
    '4:9',
    /"Edge" is not RFC 1123/,
  ],
  [
    'unknown kind, near miss',
    `${head('Clutser', 'c')}spec: {}\n`,
    '2:7',
    /unknown kind "Clutser", did you mean "Cluster"\?/,
  ],
  ['unknown kind', `${head('Pod', 'c')}spec: {}\n`, '2:7', /unknown kind "Pod"; known: Repository/],
  [
    'no kind',
    'apiVersion: groundswell.dev/v1alpha1\nmetadata:\n  name: c\n',
    '1:1',
    /`kind` is missing/,
  ],
  [
    'other version',
    'apiVersion: groundswell.dev/v1\nkind: Cluster\nmetadata:\n  name: c\nspec: {}\n',
    '1:13',
    /"groundswell.dev\/v1" is not known; write groundswell.dev\/v1alpha1/,
  ],
  [
    'slip in the group',
    'apiVersion: groundswel.dev/v1alpha1\nkind: Cluster\nmetadata:\n  name: c\nspec: {}\n',
    '1:13',
    /is not known/,
  ],
  [
    'enum, near miss',
    application(`drift: corect\nsource:\n  path: a\n${every}`),
    '6:10',
    /"corect" is not one of correct, report, ignore, did you mean "correct"\?/,
  ],
  ['empty targets', application('source:\n  path: a\ntargets: []'), '8:12', /must not be empty/],
  ['target that picks nothing', withTarget('name: all'), '9:7', /picks no cluster/],
  [
    'unknown cluster',
    withTarget('clusters: [edge-11]'),
    '9:18',
    /there is no cluster "edge-11", did you mean "edge-1"\?/,
  ],
  ['cluster listed twice', withTarget('clusters: [edge-1, edge-1]'), '9:26', /listed twice/],
  [
    'unknown group',
    withTarget('clusterGroup: europa'),
    '9:21',
    /there is no ClusterGroup "europa", did you mean "europe"\?/,
  ],
  [
    'unknown repository',
    application(`source:\n  repository: app\n  path: a\n${every}`),
    '7:17',
    /there is no Repository "app", did you mean "apps"\?/,
  ],
  [
    'unknown strategy',
    application(`source:\n  path: a\nrolloutStrategy: carful\n${every}`),
    '8:20',
    /there is no RolloutStrategy "carful", did you mean "careful"\?/,
  ],
  [
    'B87: strategy named and given',
    application(
      `source:\n  path: a\nrolloutStrategy: careful\nrollout:\n  waves: [{ name: one }]\n${every}`,
    ),
    '8:20',
    /not both/,
  ],
  [
    'B76: selector operator',
    withTarget(
      'clusterSelector:\n  matchExpressions:\n    - { key: a, operator: notin, values: [b] }',
    ),
    '11:33',
    /"notin" is not one of In, NotIn, Exists, DoesNotExist, did you mean "NotIn"\?/,
  ],
  [
    'In without values',
    withTarget('clusterSelector:\n  matchExpressions:\n    - { key: a, operator: In }'),
    '11:33',
    /In needs `values`/,
  ],
  [
    'Exists with values',
    withTarget(
      'clusterSelector:\n  matchExpressions:\n    - { key: a, operator: Exists, values: [b] }',
    ),
    '11:49',
    /Exists takes no `values`/,
  ],
  [
    'selector label value',
    withTarget('clusterSelector:\n  matchLabels:\n    region: "e u"'),
    '11:19',
    /label value "e u"/,
  ],
  [
    'B9: path out of the repository',
    application(`source:\n  path: ../other\n${every}`),
    '7:11',
    /must be relative and stay in the repository/,
  ],
  ['B9: absolute path', application(`source:\n  path: /etc\n${every}`), '7:11', /must be relative/],
  [
    'two kinds of source',
    application(`source:\n  path: a\n  helm: {}\n  kustomize: {}\n${every}`),
    '8:11',
    /one kind; here are kustomize and helm/,
  ],
  [
    'values file out of the repository',
    application(`source:\n  path: a\n  helm:\n    valuesFiles: [../../x.yaml]\n${every}`),
    '9:21',
    /not inside the repository/,
  ],
  [
    'values for kustomize',
    application(
      'source:\n  path: a\n  kustomize: {}\ntargets:\n  - clusterSelector: {}\n    values: { a: 1 }',
    ),
    '11:15',
    /helm sources only/,
  ],
  [
    'target name twice',
    application(
      'source:\n  path: a\ntargets:\n  - name: x\n    clusterSelector: {}\n  - name: x\n    clusterSelector: {}',
    ),
    '11:13',
    /is there already/,
  ],
  [
    'group without picker',
    `${head('ClusterGroup', 'g')}spec: {}\n`,
    '5:7',
    /give a `selector` or `clusters`/,
  ],
  [
    'group of unknown cluster',
    `${head('ClusterGroup', 'g')}spec:\n  clusters: [nowhere]\n`,
    '6:14',
    /there is no cluster "nowhere"/,
  ],
  [
    'B77: wave percentage',
    withWave('name: one\nmaxFailures: 120%'),
    '8:20',
    /"120%" is not a whole number of at least 0 or a percentage such as 25%/,
  ],
  [
    'wave name twice',
    withWave('name: one\n- name: one').replace('      - name', '    - name'),
    '8:13',
    /wave "one" is there already/,
  ],
  [
    'B77: wave of unknown group',
    withWave('name: one\nclusterGroup: asia'),
    '8:21',
    /no ClusterGroup "asia"/,
  ],
  [
    'wave duration',
    withWave('name: one\nsoak: 5 minutes'),
    '8:13',
    /"5 minutes" is not such as 30s/,
  ],
  [
    'unknown gate',
    withWave('name: one\nbefore:\n  - aproval: {}'),
    '9:11',
    /unknown field "aproval", did you mean "approval"\?/,
  ],
  [
    'B13: repository URL: remote helper',
    repository('url: "ext::sh -c id"'),
    '6:8',
    /remote helpers/,
  ],
  [
    'B21: repository URL: password',
    repository('url: https://me:pw@git.example/a.git'),
    '6:8',
    /name a `credential` instead/,
  ],
  [
    'B16: repository URL: local path',
    repository('url: file:///etc'),
    '6:8',
    /write https:\/\/host\/path/,
  ],
  [
    'branch and tag',
    repository('url: https://git.example/a.git\nref: { branch: main, tag: v1 }'),
    '7:8',
    /exactly one of branch, tag, commit and semver/,
  ],
  [
    'B22: branch like an option',
    repository('url: https://git.example/a.git\nref: { branch: --upload-pack=x }'),
    '7:18',
    /not a branch name/,
  ],
  [
    'short commit',
    repository('url: https://git.example/a.git\nref: { commit: abc1234 }'),
    '7:18',
    /not a commit id of 40 hex digits/,
  ],
  [
    'interval too short',
    repository('url: https://git.example/a.git\ninterval: 10ms'),
    '7:13',
    /shorter than 1s/,
  ],
  [
    'repository called fleet',
    `${head('Repository', 'fleet')}spec:\n  url: https://git.example/a.git\n`,
    '4:9',
    /take another name/,
  ],
  [
    'label value of a cluster',
    `${head('Cluster', 'c')}  labels:\n    zone: "-a"\nspec: {}\n`,
    '6:11',
    /label value "-a"/,
  ],
  [
    'template: unknown reference',
    withTarget('clusters: [edge-1]\nnamespace: ${cluster.region}'),
    '10:18',
    /\$\{cluster.region\} is not known/,
  ],
  [
    'template: label not there',
    withTarget('clusters: [edge-1]\nvalues:\n  a: [1, "${cluster.labels.zone}"]'),
    '11:16',
    /cluster edge-1 has no label "zone"/,
  ],
  [
    'namespace not a name',
    withTarget('clusters: [edge-1]\nnamespace: a-'),
    '10:18',
    /namespace "a-" is not an RFC 1123 label/,
  ],
  [
    'B37: duplicate key',
    `${head('Cluster', 'c')}spec: {}\nspec: {}\n`,
    '6:1',
    /YAML: Map keys must be unique/,
  ],
  ['B40a: tab', `${head('Cluster', 'c')}spec:\n\tsuspend: true\n`, '6:1', /YAML: .*[Tt]ab/],
  [
    'B40a: custom tag',
    `${head('Cluster', 'c')}spec: !!js/function {}\n`,
    '5:7',
    /YAML: Unresolved tag/,
  ],
  [
    'B36: __proto__',
    withTarget('clusters: [edge-1]\nvalues:\n  __proto__: { a: 1 }'),
    '11:9',
    /__proto__ is refused/,
  ],
  [
    'B35: merge key',
    withTarget('clusters: [edge-1]\nvalues:\n  <<: { a: 1 }'),
    '11:9',
    /merge keys/,
  ],
  ['B38: yes', withTarget('clusters: [edge-1]\nvalues:\n  a: yes'), '11:12', /boolean to Helm/],
  [
    'B38: octal',
    withTarget('clusters: [edge-1]\nvalues:\n  mode: 0644'),
    '11:15',
    /quote it or write it in decimal/,
  ],
  [
    'B39: number too large',
    withTarget('clusters: [edge-1]\nvalues:\n  a: 9007199254740993'),
    '11:12',
    /too large to be exact/,
  ],
  [
    'B39: infinity',
    withTarget('clusters: [edge-1]\nvalues:\n  a: .inf'),
    '11:12',
    /not a number JSON can hold/,
  ],
  ['not YAML at all', `${head('Cluster', 'c')}spec: {{ .Values.x }}\n`, '5:8', /YAML: /],
  [
    'unknown project',
    application(`project: teem-a\nsource:\n  path: a\n${every}`),
    '6:12',
    /there is no Project "teem-a"/,
  ],
  [
    'B77: depends on itself',
    application(`dependsOn:\n  - name: a\nsource:\n  path: a\n${every}`),
    '7:7',
    /depends on itself: a → a/,
  ],
  [
    'an expression that ends too soon',
    application(
      `dependsOn:\n  - name: shop\n    ready: dep.health ==\nsource:\n  path: a\n${every}`,
    ),
    '8:14',
    /not an expression that is true or false/,
  ],
  [
    'depends on nothing that is there',
    application(`dependsOn:\n  - name: shp\nsource:\n  path: a\n${every}`),
    '7:13',
    /there is no Application "shp", did you mean "shop"\?/,
  ],
]
