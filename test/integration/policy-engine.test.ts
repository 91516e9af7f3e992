import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admissionPolicy, binding, deployment } from '../support/admission-policies.ts'
import { createBench, faultsOf, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

test('an admission policy that cannot judge here is refused with its place', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const rule = (expression: string) =>
    `${admissionPolicy('p', `  validations: [{ expression: "${expression}" }]\n`)}---\n${binding('p')}`
  for (const [text, expected] of [
    [
      rule('object.spec.replicas >'),
      /^p.yaml:8 .*spec.validations\[0\].expression: .*Syntax error/s,
    ],
    [rule('object.spec.replicas'), /p.yaml:8 .*must evaluate to bool/],
    [rule('nosuch(object)'), /p.yaml:8 .*undeclared reference to 'nosuch'/s],
    [
      rule("authorizer.group('').resource('pods').check('get').allowed()"),
      /p.yaml:8 .*asks a cluster/,
    ],
    [
      rule('true').replace('validations', 'validatons'),
      /p.yaml:1 .*unknown field "spec.validatons"/,
    ],
    [
      admissionPolicy('p', '  validations: [{ expression: "true" }]\n'),
      /p.yaml:1 .*it would judge nothing/,
    ],
    [binding('other'), /p.yaml:1 .*binds ValidatingAdmissionPolicy "other", which is not/],
    [rule('true').replace('Deny]', 'Denny]'), /unknown validation action "Denny"/],
    [
      `${rule('true')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: stray }\n`,
      /p.yaml:15 ConfigMap stray: .*no policy that can be judged/,
    ],
    [
      `${rule('true')}---\napiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: { name: k }\nspec: {}\n`,
      /p.yaml:15 ClusterPolicy k: /,
    ],
    ['a: [', /^p.yaml:1 /],
  ] as const) {
    const faults = await faultsOf(bench, { 'p.yaml': text })
    assert.match(faults.join('\n'), expected, text)
  }
})

test('all that is wrong with a policy is told at once, and nothing for want of what could not be read', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const bad = admissionPolicy('p', '  validations: [{ expression: "nosuch(object)" }]\n')
  const param = '---\napiVersion: example.dev/v1\nkind: Limits\nmetadata: { name: l }\n'
  const rego = (body: string) => `package main\n\nimport data.lib\n\ndeny[msg] {\n  ${body}\n}\n`
  const faults = await faultsOf(bench, {
    'bad.yaml': `${bad}---\n${binding('q')}${param}---\n${template('count(missing) > 0')}`,
    'broken.yaml': 'a: [',
    'broken.rego': 'package lib\n\nf(x) {',
    'calls.rego': rego('msg := lib.f(input)'),
    'chance.rego': rego('msg := http.send({})'),
  })
  assert.deepEqual(faults.map((fault) => fault.replace(/ .*/s, '')).toSorted(), [
    ...['bad.yaml:8', 'broken.rego:3', 'broken.yaml:1', 'chance.rego:6'],
  ])
})

test('what is missing is told where all could be read', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const files = { 'p.yaml': `${binding('q')}---\n${template('count(missing) > 0')}` }
  assert.equal((await faultsOf(bench, files)).length, 2)
  const part = { ...policyOf(files), partial: true } as const
  assert.deepEqual(await bench.compile(part), [])
})

test("audit annotations are a cluster's: one that cannot be made denies, as there", async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const say = (annotation: string, more = '') =>
    bench.say(
      deployment({}),
      policyOf({
        'p.yaml': `${admissionPolicy('p', `${more}  auditAnnotations: [{ key: who, valueExpression: "${annotation}" }]\n`)}---\n${binding('p')}`,
      }),
    )
  assert.deepEqual(await say("'by ' + object.metadata.name"), [])
  assert.deepEqual(await say("object.metadata.labels['gone'] + '!'"), [
    "deny: ValidatingAdmissionPolicy p, binding p: expression 'object.metadata.labels['gone'] + '!'' resulted in error: no such key: gone",
  ])
  assert.deepEqual(
    await say("object.metadata.labels['gone'] + '!'", '  failurePolicy: Ignore\n'),
    [],
  )
})

test('what a rule says comes to no more than its policy allows', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const text = [
    admissionPolicy('p', '  validations: [{ expression: "false", message: never }]\n'),
    binding('p', '', 'Deny, Audit'),
  ].join('---\n')
  const said = async (action: 'deny' | 'warn' | 'audit') =>
    (await bench.say(deployment({}), policyOf({ 'p.yaml': text }, { action }))).map(
      (line) => line.split(':')[0],
    )
  assert.deepEqual(await said('deny'), ['deny', 'audit'])
  assert.deepEqual(await said('warn'), ['warn', 'audit'])
  assert.deepEqual(await said('audit'), ['audit', 'audit'])
})

test('Rego of before and after OPA 1.0 denies and warns; test files are left out', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const policy = policyOf({
    'p/a.rego':
      'package main\nimport rego.v1\nimport data.lib\ndeny contains msg if {\n  input.kind == "Deployment"\n  lib.few(input)\n  msg := sprintf("%s has few replicas", [input.metadata.name])\n}\n',
    'p/lib.rego': 'package lib\nimport rego.v1\nfew(o) if o.spec.replicas < data.limits.least\n',
    'p/old.rego':
      'package older\nwarn_image[{"msg": msg}] {\n  c := input.spec.template.spec.containers[_]\n  endswith(c.image, ":latest")\n  msg := sprintf("%s is the latest", [c.name])\n}\n',
    'p/old_test.rego': 'package older\ntest_it { count(warn_image) == 0 }\n',
    'p/data.yaml': 'limits: { least: 2 }\n',
  })
  const manifest = deployment({ spec: '\n  replicas: 1', container: ':latest' }).replace(
    'nginx:latest',
    '"nginx:latest"',
  )
  assert.deepEqual(await bench.say(manifest, policy), [
    'deny: data.main.deny: web has few replicas',
    'warn: data.older.warn_image: web is the latest',
  ])
  assert.deepEqual(await bench.say(deployment({ spec: '\n  replicas: 2' }), policy), [])
})

test('Rego that asks for more than its input is refused with its line', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const rego = (body: string) => ({
    'p.rego': `package main\n\ndeny[msg] {\n  ${body}\n  msg := "x"\n}\n`,
  })
  for (const [body, expected] of [
    [
      'http.send({"method": "get", "url": "http://127.0.0.1"})',
      /p.rego:4 .*http.send is not available/,
    ],
    ['time.now_ns() > 0', /p.rego:4 .*time.now_ns is not available/],
    ['opa.runtime().env', /p.rego:4 .*opa.runtime is not available/],
    ['net.lookup_ip_addr("localhost")', /p.rego:4 .*net.lookup_ip_addr is not available/],
    ['rand.intn("a", 5) == 1', /p.rego:4 .*rand.intn is not available/],
    ['nosuch(1)', /p.rego:4 Rego: undefined function nosuch/],
    ['x ==', /p.rego:[45] Rego: /],
  ] as const) {
    assert.match((await faultsOf(bench, rego(body))).join('\n'), expected)
  }
  const nothing = await faultsOf(bench, { 'p.rego': 'package main\nallow { true }\n' })
  assert.match(nothing.join(), /p.rego:1 no rule is called deny, violation or warn/)
})

const template = (rego: string) => `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: { name: requiredlabels }
spec:
  crd: { spec: { names: { kind: RequiredLabels } } }
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package requiredlabels
        violation[{"msg": msg, "details": {"missing": missing}}] {
          given := {label | input.review.object.metadata.labels[label]}
          missing := {label | label := input.parameters.labels[_]} - given
          ${rego}
          msg := sprintf("%s %s lacks %v", [input.review.kind.kind, input.review.name, missing])
        }
---
`
const constraint = (match: string, more = '') => `apiVersion: constraints.gatekeeper.sh/v1beta1
kind: RequiredLabels
metadata: { name: owner }
spec:
  match: ${match}${more}
  parameters: { labels: [owner] }
`

const nativeTemplate = (source: string) => `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: { name: requiredlabels }
spec:
  crd: { spec: { names: { kind: RequiredLabels } } }
  targets:
    - target: admission.k8s.gatekeeper.sh
      code:
        - engine: K8sNativeValidation
          source:
            ${source}
---
`

test("Gatekeeper's templates in CEL judge as its driver does", async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const source = `variables: [{ name: missing, expression: "variables.params.labels.filter(l, !(l in variables.anyObject.metadata.labels))" }]
            validations: [{ expression: "variables.missing.size() == 0", messageExpression: "'missing ' + variables.missing[0]" }]`
  const policy = policyOf({ 'p.yaml': nativeTemplate(source) + constraint('{}') })
  assert.deepEqual(await bench.say(deployment({}), policy), [
    'deny: RequiredLabels owner: missing owner',
  ])
  assert.deepEqual(await bench.say(deployment({ labels: ', owner: ops' }), policy), [])
  const conditional = source.replace(
    'variables:',
    'matchConditions: [{ name: pods, expression: "object.kind == \'Pod\'" }]\n            variables:',
  )
  const none = policyOf({ 'p.yaml': nativeTemplate(conditional) + constraint('{}') })
  assert.deepEqual(await bench.say(deployment({}), none), [])
  for (const [text, expected] of [
    ['validations: []', /p.yaml:9 .*no validations/],
    ['rules: []', /unknown field "rules"/],
    ['variables: [{ name: params, expression: "1" }]', /the variable params is Gatekeeper's own/],
    [
      'validations: [{ expression: "nothing" }]',
      /validations\[0\].expression: .*undeclared reference to 'nothing'/s,
    ],
    ['failurePolicy: Maybe', /unknown failurePolicy "Maybe"/],
  ] as const) {
    assert.match(
      (await faultsOf(bench, { 'p.yaml': nativeTemplate(text) + constraint('{}') })).join('\n'),
      expected,
    )
  }
})

test("Gatekeeper's templates and constraints judge as they match", async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const told = 'RequiredLabels owner: Deployment web lacks {"owner"}'
  for (const [match, expected] of [
    ['{ kinds: [{ apiGroups: [apps], kinds: [Deployment] }] }', [`deny: ${told}`]],
    ['{ kinds: [{ apiGroups: ["*"], kinds: [StatefulSet] }] }', []],
    ['{ namespaces: [def*] }', [`deny: ${told}`]],
    ['{ excludedNamespaces: ["*fault"] }', []],
    ['{ scope: Cluster }', []],
    ['{ labelSelector: { matchLabels: { app: other } } }', []],
    [
      '{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: default } } }',
      [`deny: ${told}`],
    ],
    ['{ name: we* }', [`deny: ${told}`]],
    ['{}\n  enforcementAction: dryrun', [`audit: ${told}`]],
    ['{}\n  enforcementAction: warn', [`warn: ${told}`]],
  ] as const) {
    const policy = policyOf({ 'p.yaml': template('count(missing) > 0') + constraint(match) })
    const said = (await bench.say(deployment({}), policy)).filter((line) => !/note/.test(line))
    assert.deepEqual(said, expected, match)
  }
})

test('labels that a policy knows of a namespace hold for one that is rendered without them', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const namespace = (labels: string) =>
    `---\napiVersion: v1\nkind: Namespace\nmetadata: { name: default${labels} }\n`
  const policy = policyOf({
    'p.yaml':
      template('count(missing) > 0') +
      constraint('{ namespaceSelector: { matchLabels: { env: prod } } }') +
      namespace(', labels: { env: prod }'),
  })
  const said = (labels?: string) =>
    bench.say(deployment({}) + (labels === undefined ? '' : namespace(labels)), policy)
  const told = ['deny: RequiredLabels owner: Deployment web lacks {"owner"}']
  assert.deepEqual(await said(), told)
  // As `createNamespace` makes it.
  assert.deepEqual(await said(''), told)
  assert.deepEqual(await said(', labels: { team: a }'), told)
  assert.deepEqual(await said(', labels: { env: test }'), [])
})

test('a template that cannot be judged here, or judges nothing, is refused', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const good = template('count(missing) > 0')
  for (const [text, expected] of [
    [template('data.inventory.cluster.v1') + constraint('{}'), /p.yaml:13 .*data.inventory/],
    [template('nosuch(missing)') + constraint('{}'), /p.yaml:13 .*undefined function nosuch/],
    [good, /p.yaml:1 .*no constraint of kind RequiredLabels/],
    [constraint('{}'), /p.yaml:1 .*no ConstraintTemplate for RequiredLabels/],
    [good + constraint('{ kind: [] }'), /p.yaml:17 .*spec.match: unknown field "kind"/],
    [
      good + constraint('{}', '\n  enforcementAction: scoped'),
      /enforcementAction scoped is not judged/,
    ],
    [good.replace('violation[', 'violations[') + constraint('{}'), /no rule called violation/],
  ] as const) {
    assert.match((await faultsOf(bench, { 'p.yaml': text })).join('\n'), expected)
  }
})

test('images are held to digests and registries, wherever a container stands', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const digest = `@sha256:${'a'.repeat(64)}`
  const policy = policyOf(
    {},
    { images: { requireDigest: true, allowedRegistries: ['ghcr.io/acme', 'registry.local:5000'] } },
  )
  const rollout = (image: string) =>
    `apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: { name: r }\nspec: { template: { spec: { initContainers: [{ name: a, image: "${image}" }] } } }\n`
  const place = 'deny: images: spec.template.spec.initContainers[0].image'
  for (const [image, expected] of [
    [`ghcr.io/acme/web${digest}`, []],
    [`ghcr.io/acme/web:1.0${digest}`, []],
    [`registry.local:5000/web${digest}`, []],
    [
      'ghcr.io/acme/web:1.0',
      [`${place}: ghcr.io/acme/web:1.0 is not pinned by digest: write ghcr.io/acme/web@sha256:…`],
    ],
    [
      `ghcr.io/acmes/web${digest}`,
      [
        `${place}: ghcr.io/acmes/web is in none of the allowed registries ghcr.io/acme, registry.local:5000`,
      ],
    ],
    [
      `nginx${digest}`,
      [
        `${place}: docker.io/library/nginx is in none of the allowed registries ghcr.io/acme, registry.local:5000`,
      ],
    ],
    [
      'Not An Image',
      [
        `${place}: "Not An Image" is not an image reference: invalid reference format: repository name (library/Not An Image) must be lowercase`,
      ],
    ],
  ] as const) {
    assert.deepEqual(await bench.say(rollout(image), policy), expected, image)
  }
})

test('a policy that never ends costs one process, is named, and the next judgement works', async () => {
  await using engine = await startRenderEngine({ timeoutMs: 1_500 })
  const bench = createBench(engine)
  const endless = policyOf(
    {
      'p.rego':
        'package main\ndeny[msg] { x := numbers.range(1, 100000000)[_]; y := numbers.range(1, 100000000)[_]; x * y == -1; msg := "x" }\n',
    },
    {},
    'endless',
  )
  const [said] = await bench.say(deployment({}), endless)
  assert.match(said!, /^deny: could not be judged: policy endless: (judging took longer|.*memory)/)
  const audited = policyOf(
    { 'p.rego': Buffer.from(endless.files[0]!.bytes).toString() },
    { action: 'audit' },
  )
  assert.match((await bench.say(deployment({}), audited))[0]!, /^audit: could not be judged/)
  const good = policyOf({
    'p.rego': 'package main\ndeny[msg] { input.kind == "Deployment"; msg := "no" }\n',
  })
  assert.deepEqual(await bench.say(deployment({}), good), ['deny: data.main.deny: no'])
})

test('CEL that costs too much is stopped by its budget, and denies', async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const list = `[${'1,'.repeat(99)}1]`
  const text = [
    admissionPolicy(
      'costly',
      `  validations: [{ expression: "${list}.all(a, ${list}.all(b, ${list}.all(c, ${list}.all(d, a + b + c + d > 0))))" }]\n`,
    ),
    binding('costly'),
  ].join('---\n')
  const said = await bench.say(deployment({}), policyOf({ 'p.yaml': text }))
  assert.match(said.join(), /^deny: .*(budget|cost limit)/)
})
