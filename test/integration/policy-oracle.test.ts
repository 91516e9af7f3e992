import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admissionPolicies, deployment, deployments } from '../support/admission-policies.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { kubeRequest } from '../support/kube-request.ts'
import { createBench, objectsOf, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'
import { until } from '../support/until.ts'

/* A real API server is the oracle: what it admits is let through, what it denies is denied, in the
   same words. */

const paths: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  ValidatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding:
    '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
}

const malformed = [
  deployment({ spec: '\n  replicas: "2"' }),
  deployment({ spec: '\n  replica: 2' }),
  deployment({ labels: ', number: 1' }),
  deployment({ container: ' }, { image: x' }),
  deployment({ container: ', tty: "yes"' }),
  deployment({ container: ', ports: {}' }),
  deployment({ container: ', resources: { limits: { cpu: [1] } }' }),
]

test('ValidatingAdmissionPolicies judge here as they do in a cluster', async () => {
  await using engine = await startRenderEngine()
  await using cluster = await startControlPlane({ name: 'policy-oracle' })
  const bench = createBench(engine)

  const create = (json: string, query = '') => {
    const object = JSON.parse(json) as { kind: string }
    return kubeRequest(cluster, 'POST', `${paths[object.kind]}${query}`, object)
  }
  const remove = async (json: string) => {
    const { kind, metadata } = JSON.parse(json) as { kind: string; metadata: { name: string } }
    await kubeRequest(cluster, 'DELETE', `${paths[kind]}/${metadata.name}`)
  }
  /** What the server says: empty when it admits. */
  const ask = async (json: string) => {
    const { status, body } = await create(json, '?dryRun=All')
    const { message = '' } = body as { message?: string }
    if (status === 201) return ''
    return /denied request: (.*)$/s.exec(message)?.[1] ?? `${status} ${message}`
  }

  let denied = 0
  for (const [title, text] of Object.entries(admissionPolicies)) {
    const manifests = (await objectsOf(engine, text)).map(({ json }) => json)
    const policy = policyOf({ 'p.yaml': text })
    await bench.compile(policy)
    for (const json of manifests) {
      const { status, body } = await create(json)
      assert.equal(status, 201, `${title}: ${JSON.stringify(body)}`)
    }
    const cases: { name: string; json: string; mine: string[] }[] = []
    for (const [name, manifest] of Object.entries(deployments)) {
      const [object] = await objectsOf(engine, manifest)
      const verdict = await bench.judge(manifest, [policy])
      cases.push({ name, json: object!.json, mine: verdict.map(({ message }) => message) })
    }
    // Once one is denied, the server has taken the policy in; until then it admits everything.
    const first = cases.find(({ mine }) => mine.length > 0)
    if (first) {
      await until(async () => (await ask(first.json)) !== '', {
        deadlineMs: 10_000,
        what: `the server denies ${first.name}: ${title}`,
      })
    }
    for (const { name, json, mine } of cases) {
      const said = await ask(json)
      if (said !== '') denied += 1
      const agree = said === '' ? mine.length === 0 : mine.includes(said)
      assert.ok(agree, `${title}, ${name}: ${JSON.stringify({ server: said, here: mine })}`)
    }
    for (const json of manifests) await remove(json)
    if (first) {
      await until(async () => (await ask(first.json)) === '', {
        deadlineMs: 10_000,
        what: `the server forgets: ${title}`,
      })
    }
  }
  // And what the schemas of its version say is what a server-side apply makes of it.
  for (const manifest of [...Object.values(deployments), ...malformed]) {
    const [object] = await objectsOf(engine, manifest)
    const path = `${paths['Deployment']}/${object!.id.name}?fieldManager=test&dryRun=All`
    const { status, body } = await kubeRequest(cluster, 'APPLY', path, JSON.parse(object!.json))
    const mine = await bench.judge(manifest, [], { kubernetesVersion: '1.35.4' })
    const agree = status < 300 ? mine.length === 0 : mine.length > 0
    assert.ok(agree, `${manifest}: ${JSON.stringify({ server: body, here: mine })}`)
  }
  assert.ok(denied >= 15, `only ${denied} were denied`)
})
