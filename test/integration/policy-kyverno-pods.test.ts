import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { createBench, faultsOf, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

/* validate.podSecurity of Kyverno: the checks of Kubernetes' Pod Security Standards, less exclusions. */

interface Recorded {
  readonly level: string
  readonly version: string
  readonly exclude: unknown
  readonly pod: unknown
  /** Reason and number of fields of each check that fails. */
  readonly failed: readonly string[]
}

let engine: Awaited<ReturnType<typeof startRenderEngine>>
before(async () => {
  engine = await startRenderEngine()
})
after(() => engine.close())

const policy = (podSecurity: unknown, kinds = ['Pod'], validate: object = {}) =>
  JSON.stringify({
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name: 'pods' },
    spec: {
      validationFailureAction: 'Enforce',
      rules: [
        {
          name: 'standard',
          match: { any: [{ resources: { kinds } }] },
          validate: { podSecurity, ...validate },
        },
      ],
    },
  })

const pod = (spec: unknown) =>
  JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec },
  })

/** Each check that is told of, with the number of fields it names. */
function summarize(said: readonly string[]): string[] {
  const prefix = /^deny: ClusterPolicy pods, rule standard: violates PodSecurity "[^"]*": /
  return said
    .flatMap((line) => {
      assert.match(line, prefix)
      return line.replace(prefix, '').split('); ')
    })
    .map((check) => {
      const [reason, fields = ''] = check.replace(/\)$/, '').split(' (')
      return `${reason} ${fields.split('; ').length}`
    })
    .sort()
}

test("pods are held to levels and versions, less what is excluded, as Kyverno's own code holds them", async () => {
  const bench = createBench(engine)
  const url = new URL('../vectors/policy/kyverno-pods.jsonl', import.meta.url)
  const rows = (await readFile(url, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded)
  for (const [at, { level, version, exclude, pod: spec, failed }] of rows.entries()) {
    const judge = policyOf({ 'p.json': policy({ level, version, exclude }) })
    const said = await bench.say(pod(spec), judge)
    assert.deepEqual(summarize(said), failed, `row ${at + 1}: ${said.join('\n')}`)
  }
  assert.ok(rows.some(({ failed }) => failed.length === 0))
})

const privileged = {
  containers: [{ name: 'web', image: 'nginx', securityContext: { privileged: true } }],
  hostPID: true,
}

test('what a pod does wrong is told by field and value, with the message of the rule', async () => {
  const bench = createBench(engine)
  const message = { message: 'pods of {{ request.namespace }} are plain' }
  const judge = policyOf({ 'p.json': policy({ level: 'baseline' }, ['Pod'], message) })
  assert.deepEqual(await bench.say(pod(privileged), judge), [
    'deny: ClusterPolicy pods, rule standard: pods of shop are plain: violates PodSecurity "baseline:latest": ' +
      'host namespaces (spec.hostPID: true); privileged (spec.containers[0].securityContext.privileged: true)',
  ])
})

test('the pods of controllers are held to it as well, whether the rule names pods or the controller', async () => {
  const bench = createBench(engine)
  const controller = JSON.stringify({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: privileged },
    },
  })
  const told =
    'violates PodSecurity "baseline:latest": host namespaces (spec.hostPID: true); privileged (spec.containers[0].securityContext.privileged: true)'
  const say = (kinds: string[]) =>
    bench.say(controller, policyOf({ 'p.json': policy({ level: 'baseline' }, kinds) }))
  assert.deepEqual(await say(['Pod']), [
    `deny: ClusterPolicy pods, rule standard: its pods: ${told}`,
  ])
  assert.deepEqual(await say(['Deployment']), [`deny: ClusterPolicy pods, rule standard: ${told}`])
  const other = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"shop"}}'
  const judge = policyOf({ 'p.json': policy({ level: 'baseline' }, ['ConfigMap']) })
  assert.deepEqual(await bench.say(other, judge), [
    'deny: ClusterPolicy pods, rule standard: it cannot be judged: ConfigMap shop/c makes no pods that are known here',
  ])
})

test('what podSecurity says that means nothing refuses the policy', async () => {
  const bench = createBench(engine)
  const fault = async (podSecurity: unknown, more: object = {}) =>
    (await faultsOf(bench, { 'p.json': policy(podSecurity, ['Pod'], more) })).map((line) =>
      line.replace(/^p\.json:\d+ ClusterPolicy pods: rule standard: /, ''),
    )
  assert.deepEqual(await fault({ level: 'privileged' }), [
    'validate.podSecurity.level "privileged" is not judged here; write baseline or restricted',
  ])
  assert.deepEqual(await fault({ level: 'baseline', version: '1.30' }), [
    'validate.podSecurity.version "1.30" is not latest or v1.N',
  ])
  assert.deepEqual(
    await fault({
      level: 'restricted',
      exclude: [
        { controlName: 'Capabilties', images: ['*'] },
        { controlName: 'Capabilities' },
        { controlName: 'Sysctls', images: ['*'] },
        { controlName: 'Seccomp', values: ['Unconfined'] },
      ],
    }),
    [
      'validate.podSecurity.exclude[0].controlName: there is no control "Capabilties"',
      'validate.podSecurity.exclude[1]: Capabilities is asked of containers, so it needs images',
      'validate.podSecurity.exclude[2]: Sysctls is asked of pods, so it goes without images',
      'validate.podSecurity.exclude[3]: restrictedField and values go together',
    ],
  )
  assert.deepEqual(await fault({ level: 'baseline' }, { deny: {} }), [
    'validate.podSecurity goes with no other check',
  ])
  assert.match((await fault({ level: 'baseline', mode: 'warn' }))[0]!, /unknown field.*mode/)
})
