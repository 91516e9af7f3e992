import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deployment } from '../support/admission-policies.ts'
import { createBench, faultsOf, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

const clusterPolicy = (rule: string, spec = 'validationFailureAction: Enforce') =>
  `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: rules }
spec:
  ${spec}
  rules:
    - name: one
      match: { any: [{ resources: { kinds: [Pod] } }] }
${rule}
`

const pod = (containers: string, more = '') => `apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, labels: { app: web }${more} }
spec: { containers: [${containers}] }
`

const rule = 'deny: ClusterPolicy rules, rule one'

/** Each: the rule, and what it says of a pod. */
const rules: Readonly<
  Record<string, readonly [rule: string, pod: string, said: readonly string[]]>
> = {
  'deny with a message that holds variables': [
    `      validate:
        message: "{{ request.object.metadata.name }} runs in {{request.namespace}}"
        deny: { conditions: { any: [{ key: "{{ request.object.metadata.namespace }}", operator: AnyIn, value: [shop, till] }] } }`,
    pod('{ name: c, image: nginx }'),
    [`${rule}: web runs in shop`],
  ],
  'deny whose conditions have messages of their own': [
    `      validate:
        message: refused
        deny:
          conditions:
            all:
              - { key: "{{ length(request.object.spec.containers) }}", operator: GreaterThan, value: 1, message: "{{ length(request.object.spec.containers) }} containers" }`,
    pod('{ name: c, image: nginx }, { name: d, image: nginx }'),
    [`${rule}: refused: 2 containers`],
  ],
  'preconditions that do not hold': [
    `      preconditions: { all: [{ key: "{{ request.operation }}", operator: Equals, value: DELETE }] }
      validate: { deny: {} }`,
    pod('{ name: c, image: nginx }'),
    [],
  ],
  'the old way to write conditions': [
    `      preconditions: [{ key: "{{ request.operation }}", operator: In, value: [CREATE] }]
      validate: { deny: { conditions: [{ key: a, operator: Equals, value: a }, { key: "{{ request.object.kind }}", operator: NotEquals, value: Pod }] } }`,
    pod('{ name: c, image: nginx }'),
    [],
  ],
  'a pattern with variables': [
    `      validate:
        message: label it
        pattern: { metadata: { labels: { app: "{{ request.object.metadata.name }}?*" } } }`,
    pod('{ name: c, image: nginx }'),
    [
      `${rule}: label it: resource value 'web' does not match 'web?*' at path /metadata/labels/app/`,
    ],
  ],
  'names from the context, also of one another': [
    `      context:
        - { name: first, variable: { jmesPath: "request.object.spec.containers[0].image" } }
        - { name: tag, variable: { value: "{{ first }}", jmesPath: "split(@, ':')[1]", default: none } }
        - { name: unused, variable: { jmesPath: request.object.nothing.at.all } }
      validate:
        message: the tag is {{ tag }}
        deny: { conditions: { any: [{ key: "{{ tag }}", operator: Equals, value: "v1.2?" }] } }`,
    pod('{ name: c, image: "nginx:v1.25" }'),
    [`${rule}: the tag is v1.25`],
  ],
  'each element, with its own preconditions': [
    `      validate:
        message: from our registry
        foreach:
          - list: request.object.spec.containers
            preconditions: { all: [{ key: "{{ element.name }}", operator: NotEquals, value: proxy }] }
            deny: { conditions: { any: [{ key: "{{ element.image }}", operator: NotEquals, value: "registry.example/*", message: "container {{ elementIndex }} is {{ element.name }}" }] } }`,
    pod(
      '{ name: proxy, image: envoy }, { name: c, image: registry.example/a }, { name: d, image: nginx }',
    ),
    [`${rule}: from our registry: container 2 is d`],
  ],
  'elements within elements, held to a pattern': [
    `      validate:
        message: ports above 1024
        foreach:
          - list: request.object.spec.containers
            foreach:
              - list: element.ports
                pattern: { containerPort: ">1024" }`,
    pod(
      '{ name: a, image: a }, { name: b, image: b, ports: [{ containerPort: 8080 }, { containerPort: 80 }] }',
    ),
    [
      `${rule}: ports above 1024: resource value '80' does not match '>1024' at path /containerPort/`,
    ],
  ],
  'a list that is not there': [
    `      validate: { foreach: [{ list: "request.object.spec.initContainers", deny: {} }] }`,
    pod('{ name: c, image: nginx }'),
    [],
  ],
  'images, by their parts': [
    `      validate:
        message: "{{ images.containers.c.registry }} {{ images.containers.c.path }} {{ images.containers.c.tag }}"
        deny: { conditions: { any: [{ key: "{{ images.containers.*.registry }}", operator: AnyNotIn, value: [registry.example] }] } }`,
    pod('{ name: c, image: nginx }'),
    [`${rule}: docker.io nginx latest`],
  ],
  'a variable that stands for nothing is denied, not passed over': [
    `      validate: { deny: { conditions: { any: [{ key: "{{ request.object.spec.nodeName }}", operator: Equals, value: x }] } } }`,
    pod('{ name: c, image: nginx }'),
    [`${rule}: it cannot be judged: the key of a condition: Unknown key "nodeName" in path`],
  ],
  'CEL, with its preconditions and variables': [
    `      celPreconditions: [{ name: named, expression: "object.metadata.name == 'web'" }]
      validate:
        message: not that many
        cel:
          variables: [{ name: count, expression: "object.spec.containers.size()" }]
          expressions:
            - { expression: "variables.count < 2" }
            - { expression: "object.spec.containers.all(c, c.image.contains(':'))", messageExpression: "'tag ' + object.spec.containers[0].image" }`,
    pod('{ name: c, image: nginx }, { name: d, image: nginx }'),
    [`${rule}: not that many`, `${rule}: tag nginx`],
  ],
}

test("Kyverno's conditions, variables, loops and CEL judge pods", async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  for (const [name, [text, given, said]] of Object.entries(rules)) {
    const policy = policyOf({ 'p.yaml': clusterPolicy(text) })
    assert.deepEqual((await bench.say(given, policy)).toSorted(), said, name)
  }
})

test('rules about pods hold for the pods that controllers make', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const policy = policyOf({
    'p.yaml': clusterPolicy(`      validate:
        message: tag it
        foreach: [{ list: "request.object.spec.containers", deny: { conditions: { any: [{ key: "{{ images.containers.\\"{{ element.name }}\\".tag }}", operator: Equals, value: latest }] } } }]`),
  })
  assert.deepEqual(await bench.say(deployment({}), policy), [`${rule}: its pods: tag it`])
})

test('a ConfigMap of the context is found among the files of the policy', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const text =
    clusterPolicy(`      context: [{ name: dictionary, configMap: { name: teams, namespace: policies } }]
      validate:
        message: "ask {{ dictionary.data.owner }}"
        deny: { conditions: { any: [{ key: "{{ request.object.metadata.labels.app }}", operator: NotEquals, value: "{{ dictionary.data.app }}" }] } }`)
  const teams = `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: teams, namespace: policies }\ndata: { owner: ops, app: till }\n`
  const given = pod('{ name: c, image: nginx }')
  assert.deepEqual(await bench.say(given, policyOf({ 'p.yaml': text + teams })), [
    `${rule}: ask ops`,
  ])
  assert.match(
    (await faultsOf(bench, { 'p.yaml': text })).join(),
    /p.yaml:7 ClusterPolicy rules: rule one: context dictionary: ConfigMap policies\/teams is in none of the policy's files/,
  )
})

test('actions differ by namespace, and a policy may let through what it cannot judge', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const denies = '      validate: { message: refused, deny: {} }'
  const said = async (text: string) =>
    bench.say(pod('{ name: c, image: nginx }'), policyOf({ 'p.yaml': text }))
  const override = (names: string) =>
    clusterPolicy(
      denies,
      `validationFailureActionOverrides: [{ action: enforce, namespaces: [${names}] }]`,
    )
  assert.deepEqual(await said(override('"sh*"')), [`${rule}: refused`])
  assert.deepEqual(await said(override('till')), ['audit: ClusterPolicy rules, rule one: refused'])
  const unknown =
    '      validate: { deny: { conditions: { any: [{ key: "{{ nothing }}", operator: Equals, value: x }] } } }'
  assert.match(
    (await said(clusterPolicy(unknown, 'failurePolicy: Fail'))).join(),
    /^deny: .*cannot be judged/,
  )
  assert.match(
    (await said(clusterPolicy(unknown, 'failurePolicy: Ignore'))).join(),
    /^warn: .*cannot be judged/,
  )
})

test('what only a cluster or the clock knows is refused, and named', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const condition = (key: string, operator = 'Equals') =>
    `      validate: { deny: { conditions: { any: [{ key: "{{ ${key} }}", operator: ${operator}, value: x }] } } }`
  for (const [text, expected] of [
    ['      mutate: { patchStrategicMerge: {} }', /p.yaml:7 .*rule one: mutate is not judged here/],
    ['      verifyImages: [{}]', /verifyImages\[0\].imageReferences is missing/],
    ['      validate: { manifests: { attestors: [] } }', /validate.manifests is not judged here/],
    [
      '      validate: { deny: {}, pattern: { a: b } }',
      /validate needs one of pattern, anyPattern, deny/,
    ],
    ['      validate: { message: x }', /validate needs one of pattern, anyPattern, deny/],
    [condition('time_now()'), /time_now\(\) answers differently each time/],
    [condition("random('[a-z]')"), /random\(\) answers differently each time/],
    [condition('request.roles'), /request.roles is known to a cluster alone/],
    [condition('a', 'Alike'), /validate.deny.conditions: unknown operator "Alike"/],
    [condition('a..b'), /"a..b" is no JMESPath/],
    ['      validate: { deny: { conditions: { some: [] } } }', /unknown field "some"/],
    [
      '      context: [{ name: pods, apiCall: { urlPath: /api/v1/pods } }]\n      validate: { deny: {} }',
      /context pods: only a variable, or a ConfigMap that is in the policy's files, is known/,
    ],
    [
      '      validate: { cel: { expressions: [{ expression: "object.nothing(" }] } }',
      /validate.cel.expressions\[0\].expression: .*Syntax error/s,
    ],
    ['      validate: { pattern: { a: "$(./../b)" } }', /references .* are not judged/],
    ['      validate: { pattern: { a: "{{ @ }}" } }', /the variable {{ @ }} is not judged/],
  ] as const) {
    assert.match(
      (await faultsOf(bench, { 'p.yaml': clusterPolicy(text) })).join('\n'),
      expected,
      text,
    )
  }
})
