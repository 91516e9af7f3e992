import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createIssuer, serverUsage, signLeaf } from '../support/certificates.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createConfig, createHands, createNamespace } from '../support/hands.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { until } from '../support/until.ts'
import {
  presentApplication,
  removedApplication,
  type TestObject,
  verifiedSnapshot,
} from '../support/verified-snapshot.ts'

const never = new AbortController().signal
const soon = { deadlineMs: 20_000, intervalMs: 50 } as const

/** What the API server asks of a webhook, as far as these tests look at it. */
interface Review {
  readonly request: { readonly uid: string; readonly operation: string; readonly name: string }
}

/** An admission webhook that answers as told: `undefined` never does. */
async function startWebhook(judge: (request: Review['request']) => boolean | undefined) {
  const issuer = await createIssuer('CN=webhooks')
  const tls = await signLeaf(issuer, '', {
    names: [{ type: 'ip', value: '127.0.0.1' }],
    usages: [serverUsage],
  })
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const text = Buffer.concat(await request.toArray()).toString()
    const { request: asked } = JSON.parse(text) as Review
    const allowed = judge(asked)
    if (allowed === undefined) return
    const status = { code: 403, message: `${asked.name} is not welcome` }
    const answer = { uid: asked.uid, allowed, ...(!allowed && { status }) }
    response.setHeader('content-type', 'application/json')
    const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }
    response.end(JSON.stringify(body))
  }
  const server = createServer(tls, (request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}/`,
    caBundle: Buffer.from(issuer.certificate.toString('pem')).toString('base64'),
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('F35: an admission webhook of a real API server', () => {
  let plane: ControlPlane
  let webhook: Awaited<ReturnType<typeof startWebhook>>
  let judge: (request: Review['request']) => boolean | undefined = () => true
  const webhooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'

  before(async () => {
    plane = await startControlPlane({ name: 'webhook' })
    webhook = await startWebhook((request) => judge(request))
    const rule = {
      ...{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
      operations: ['CREATE', 'UPDATE', 'DELETE'],
    }
    await kubeCall(plane, 'POST', webhooks, {
      metadata: { name: 'moody' },
      webhooks: [
        {
          name: 'moody.example.org',
          ...{ admissionReviewVersions: ['v1'], sideEffects: 'None', timeoutSeconds: 1 },
          ...{ failurePolicy: 'Fail', rules: [rule] },
          clientConfig: { url: webhook.url, caBundle: webhook.caBundle },
          // Not the agent's own memory of what it did.
          namespaceSelector: {
            matchExpressions: [
              {
                ...{ key: 'kubernetes.io/metadata.name', operator: 'NotIn' },
                values: ['groundswell-system', 'default'],
              },
            ],
          },
        },
      ],
    })
    // Taken up by the API server a moment after it was written.
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace('probe'))
    judge = () => false
    const probe = `/api/v1/namespaces/probe/configmaps`
    const isHeard = async () => {
      const name = `probe-${Math.random().toString(36).slice(2)}`
      return (await kubeRequest(plane, 'POST', probe, createConfig('probe', name))).status === 403
    }
    await until(isHeard, { ...soon, what: 'the webhook to be asked' })
  })
  after(async () => {
    await plane?.stop()
    webhook?.stop()
  })

  const pathOf = (namespace: string, name: string) =>
    `/api/v1/namespaces/${namespace}/configmaps/${name}`
  const has = async (namespace: string, name: string) =>
    (await kubeRequest(plane, 'GET', pathOf(namespace, name))).status === 200
  const present = (namespace: string, names: readonly string[], generation = 1) =>
    presentApplication(
      namespace,
      [
        createNamespace(namespace),
        ...names.map((name): TestObject => createConfig(namespace, name)),
      ],
      { generation },
    )

  it('that denies one of many: the others are applied, it is named with the words, and tried again', async () => {
    judge = ({ name }) => name !== 'bad'
    await using hands = await createHands(plane.kubeconfig)
    await hands.workloads.reconcile(verifiedSnapshot(present('denied', ['a', 'bad', 'c'])), never)
    const { phase, errors } = hands.state('denied')!
    assert.equal(phase, 'Failed')
    assert.deepEqual(
      errors.map(({ object, file, code }) => [object, file, code]),
      [['/ConfigMap/denied/bad', 'bad.yaml', 'apply_forbidden']],
    )
    assert.match(errors[0]!.message, /moody\.example\.org.*bad is not welcome/)
    assert.ok((await has('denied', 'a')) && (await has('denied', 'c')))
    judge = () => true
    await until(() => hands.state('denied')?.phase === 'Applied', { ...soon, what: 'the retry' })
    assert.ok(await has('denied', 'bad'))
  })

  it('that hangs or is away: each object says so, what is there stays, and all is applied once it answers', async () => {
    judge = () => true
    await using hands = await createHands(plane.kubeconfig)
    await hands.workloads.reconcile(verifiedSnapshot(present('hangs', ['a', 'b'])), never)
    judge = () => undefined
    const next = present('hangs', ['a', 'c', 'd'], 2)
    await hands.workloads.reconcile(verifiedSnapshot(next), never)
    const { errors } = hands.state('hangs')!
    assert.deepEqual(errors.map(({ object }) => object).sort(), [
      '/ConfigMap/hangs/c',
      '/ConfigMap/hangs/d',
    ])
    for (const { message } of errors) assert.match(message, /failed calling webhook "moody/)
    assert.ok(await has('hangs', 'b'), 'nothing is pruned beside what failed')
    judge = () => true
    await until(() => hands.state('hangs')?.phase === 'Applied', { ...soon, what: 'the retry' })
    assert.ok((await has('hangs', 'c')) && !(await has('hangs', 'b')))
  })

  it('that denies a deletion: the object stays in the inventory, is named, and goes when it may', async () => {
    judge = () => true
    await using hands = await createHands(plane.kubeconfig)
    await hands.workloads.reconcile(verifiedSnapshot(present('kept', ['a', 'b', 'c'])), never)
    judge = ({ operation, name }) => operation !== 'DELETE' || name !== 'b'
    await hands.workloads.reconcile(verifiedSnapshot(present('kept', ['a'], 2)), never)
    const refused = () => hands.state('kept')!.errors.map(({ object, code }) => `${object} ${code}`)
    assert.deepEqual(refused(), ['/ConfigMap/kept/b prune_refused'])
    assert.ok((await has('kept', 'b')) && !(await has('kept', 'c')))
    // Also an agent that starts now knows of it.
    {
      await using other = await createHands(plane.kubeconfig)
      await other.workloads.reconcile(verifiedSnapshot(present('kept', ['a'], 2)), never)
      assert.match(JSON.stringify(other.state('kept')!.errors), /kept\/b/)
    }
    const gone = removedApplication('kept', 'Delete', 3)
    await hands.workloads.reconcile(verifiedSnapshot(gone), never)
    assert.equal(hands.state('kept')?.phase, 'Failed')
    assert.ok(await has('kept', 'b'))
    judge = () => true
    await until(() => !hands.state('kept') || hands.state('kept')?.phase === 'Removed', {
      ...soon,
      what: 'the removal',
    })
    assert.ok(!(await has('kept', 'b')))
  })
})
