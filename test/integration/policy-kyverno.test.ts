import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deployment } from '../support/admission-policies.ts'
import { createBench, faultsOf, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

const validatingPolicy = (more = '', version = 'v1') => `apiVersion: policies.kyverno.io/${version}
kind: ValidatingPolicy
metadata: { name: unprivileged }
spec:
  matchConstraints:
    resourceRules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods] }]
  validations:
    - { expression: "object.spec.containers.all(c, !(c.?securityContext.privileged.orValue(false)))", message: not privileged }
${more}`

test("Kyverno's ValidatingPolicy judges pods, and the pods that controllers will make", async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const privileged = ', securityContext: { privileged: true }'
  const pod = `apiVersion: v1\nkind: Pod\nmetadata: { name: p, namespace: x }\nspec: { containers: [{ name: c, image: i${privileged} }] }\n`
  const rule = 'deny: ValidatingPolicy unprivileged, binding unprivileged'
  for (const version of ['v1', 'v1beta1', 'v1alpha1']) {
    const policy = policyOf({ 'p.yaml': validatingPolicy('', version) })
    assert.deepEqual(await bench.say(pod, policy), [`${rule}: not privileged`])
    assert.deepEqual(await bench.say(deployment({ container: privileged }), policy), [
      `${rule}: its pods: not privileged`,
    ])
    assert.deepEqual(await bench.say(deployment({}), policy), [])
  }
  const namespaced = validatingPolicy().replace('kind: Validating', 'kind: NamespacedValidating')
  for (const [namespace, expected] of [
    ['x', 1],
    ['other', 0],
  ] as const) {
    const policy = policyOf({
      'p.yaml': namespaced.replace('name: unp', `namespace: ${namespace}, name: unp`),
    })
    assert.equal((await bench.say(pod, policy)).length, expected, namespace)
  }
  assert.match((await faultsOf(bench, { 'p.yaml': namespaced })).join(), /needs a namespace/)
  const some = policyOf({
    'p.yaml': validatingPolicy(
      '  autogen: { podControllers: { controllers: [jobs] } }\n  validationActions: [Audit]\n',
    ),
  })
  assert.deepEqual(await bench.say(deployment({ container: privileged }), some), [])
  assert.match((await bench.say(pod, some)).join(), /^audit: /)
})

const patternPolicy = (
  validate: string,
  more = '',
  match = 'any: [{ resources: { kinds: [Pod] } }]',
) =>
  `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: patterns }
spec:
  validationFailureAction: Enforce
  rules:
    - name: tagged
      match: { ${match} }
${more}      validate: { ${validate} }
`

test("Kyverno's patterns are matched by its own code, on pods and on those that controllers make", async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const tagged = 'message: use a tag, pattern: { spec: { containers: [{ image: "!*:latest" }] } }'
  const said = async (manifest: string, text: string) =>
    bench.say(manifest, policyOf({ 'p.yaml': text }))
  const latest = deployment({}).replace('image: nginx', 'image: "nginx:latest"')
  const rule = 'deny: ClusterPolicy patterns, rule tagged'
  assert.deepEqual(await said(latest, patternPolicy(tagged)), [
    `${rule}: its pods: use a tag: resource value 'nginx:latest' does not match '!*:latest' at path /spec/containers/0/image/`,
  ])
  assert.deepEqual(await said(deployment({}), patternPolicy(tagged)), [])
  const matched = async (match: string) =>
    (
      await said(
        latest,
        patternPolicy('pattern: { metadata: { labels: { owner: "?*" } } }', '', match),
      )
    ).length
  for (const [match, expected] of [
    ['any: [{ resources: { kinds: [Deployment] } }]', 1],
    ['any: [{ resources: { kinds: [apps/v1/Deployment] } }]', 1],
    ['any: [{ resources: { kinds: [apps/v2/Deployment] } }]', 0],
    ['all: [{ resources: { kinds: ["*"], namespaces: [def*] } }]', 1],
    ['all: [{ resources: { kinds: [Deployment], names: [api] } }]', 0],
    ['resources: { kinds: [Deployment], selector: { matchLabels: { app: web } } }', 1],
    [
      'any: [{ resources: { kinds: [Deployment] } }] }\n      exclude: { any: [{ resources: { names: [we*] } }]',
      0,
    ],
  ] as const) {
    assert.equal(await matched(match), expected, match)
  }
  // An anchor: only where there is a host path must it not be the root.
  const anchored = patternPolicy('pattern: { spec: { "=(hostNetwork)": false } }')
  assert.deepEqual(await said(deployment({}), anchored), [])
  const any = patternPolicy(
    'anyPattern: [{ spec: { hostNetwork: true } }, { spec: { hostPID: true } }]',
  )
  assert.equal((await said(deployment({}), any)).length, 1)
  const none = patternPolicy(tagged).replace(
    'name: patterns',
    'name: patterns, annotations: { pod-policies.kyverno.io/autogen-controllers: none }',
  )
  assert.deepEqual(await said(latest, none), [])
  const audit = patternPolicy(tagged).replace('Enforce', 'Audit')
  assert.match((await said(latest, audit)).join(), /^audit: /)
})

test('what of Kyverno is not judged here is refused, and named', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const kyverno = (kind: string, version = 'kyverno.io/v1') =>
    `apiVersion: ${version}\nkind: ${kind}\nmetadata: { name: k }\nspec: { rules: [] }\n`
  for (const [text, expected] of [
    [kyverno('ClusterPolicy'), /p.yaml:1 ClusterPolicy k: it has no rules/],
    [
      kyverno('CleanupPolicy', 'kyverno.io/v2'),
      /p.yaml:1 CleanupPolicy k: .*no policy that can be judged/,
    ],
    [kyverno('PolicyException', 'kyverno.io/v2'), /p.yaml:1 PolicyException k: /],
    [
      kyverno('ImageValidatingPolicy', 'policies.kyverno.io/v1'),
      /p.yaml:1 ImageValidatingPolicy k: /,
    ],
    [validatingPolicy('  exceptions: []\n'), /p.yaml:1 .*unknown field "spec.exceptions"/],
    [
      validatingPolicy('  evaluation: { mode: JSON }\n'),
      /p.yaml:1 .*the evaluation mode JSON is not judged/,
    ],
    [
      validatingPolicy('  autogen: { podControllers: { controllers: [widgets] } }\n'),
      /p.yaml:1 .*not known here: \[widgets\]/,
    ],
    [
      validatingPolicy(
        "  variables: [{ name: c, expression: \"resource.Get('v1', 'configmaps', 'a', 'b')\" }]\n",
      ),
      /p.yaml:9 .*spec.variables\[0\].expression: .*undeclared reference to 'resource'/s,
    ],
  ] as const) {
    assert.match((await faultsOf(bench, { 'p.yaml': text })).join('\n'), expected, text)
  }
})
