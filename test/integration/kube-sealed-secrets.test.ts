import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createHands, createNamespace } from '../support/hands.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { type SealedSecrets, startSealedSecrets } from '../support/sealed-secrets.ts'
import { until } from '../support/until.ts'
import { presentApplication, verifiedSnapshot } from '../support/verified-snapshot.ts'

/* What others make Secrets of goes through as it is; how it fares is what its controller says. */

const never = new AbortController().signal
const base64 = (text: string) => Buffer.from(text).toString('base64')
const soon = { deadlineMs: 20_000, intervalMs: 50 }

describe('objects that a controller makes Secrets of, on a real API server', () => {
  let plane: ControlPlane
  let sealedSecrets: SealedSecrets

  before(async () => {
    plane = await startControlPlane({ name: 'sealed' })
    sealedSecrets = await startSealedSecrets(plane)
  })
  after(async () => {
    await sealedSecrets?.[Symbol.asyncDispose]()
    await plane?.stop()
  })

  it('are healthy once the real controller unsealed them, and not before', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const first = await sealedSecrets.seal({
      ...{ name: 'db', namespace: 'shop' },
      data: { password: base64('canary-71ab') },
    })
    const fares = (health: string) =>
      until(() => hands.state('shop')?.health === health, { ...soon, what: `shop to be ${health}` })
    const app = presentApplication('shop', [createNamespace('shop'), first])
    sealedSecrets.pause()
    try {
      await hands.workloads.reconcile(verifiedSnapshot(app), never)
      await fares('InProgress')
      assert.match(hands.state('shop')?.unhealthy[0]?.message ?? '', /^not yet unsealed/)
    } finally {
      sealedSecrets.resume()
    }
    await fares('Current')
    const read = async () => {
      const { body } = await kubeRequest(plane, 'GET', '/api/v1/namespaces/shop/secrets/db')
      return (body as LiveObject & { data?: Record<string, string> }).data
    }
    assert.deepEqual(await read(), { password: base64('canary-71ab') })

    const second = await sealedSecrets.seal({
      ...{ name: 'db', namespace: 'shop' },
      data: { password: base64('canary-82bc') },
    })
    const next = presentApplication('shop', [createNamespace('shop'), second])
    await hands.workloads.reconcile(verifiedSnapshot(next), never)
    const isCurrent = () => {
      const state = hands.state('shop')
      return state?.manifestDigest === next.manifestDigest && state.health === 'Current'
    }
    await until(isCurrent, { ...soon, what: 'the second to be unsealed' })
    assert.deepEqual(await read(), { password: base64('canary-82bc') })

    // Sealed for another namespace, it does not open here: its controller's words are told.
    const stolen = await sealedSecrets.seal({
      ...{ name: 'db', namespace: 'elsewhere' },
      data: { password: base64('canary-93cd') },
    })
    const moved = { ...stolen, metadata: { name: 'db', namespace: 'shop' } }
    const broken = presentApplication('shop', [createNamespace('shop'), moved])
    await hands.workloads.reconcile(verifiedSnapshot(broken), never)
    await fares('Failed')
    const [worst] = hands.state('shop')?.unhealthy ?? []
    assert.match(worst?.object ?? '', /SealedSecret\/shop\/db/)
    assert.match(worst?.message ?? '', /no key could decrypt secret/)
    assert.deepEqual(await read(), { password: base64('canary-82bc') }, 'the last one stays')

    const told = JSON.stringify([hands.reports, hands.requests])
    assert.ok(!/canary-|Y2FuYXJ5/.test(told), 'a value is told')
  })

  it('fare as an ExternalSecret says it is, with the words of its Ready condition', async () => {
    await kubeCall(plane, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'externalsecrets.external-secrets.io' },
      spec: {
        group: 'external-secrets.io',
        names: { kind: 'ExternalSecret', plural: 'externalsecrets' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: {
              openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        ],
      },
    })
    const group = '/apis/external-secrets.io/v1'
    await until(() => kubeCall(plane, 'GET', group), { ...soon, what: 'the kind to be served' })
    await using hands = await createHands(plane.kubeconfig)
    const external = {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'db', namespace: 'till' },
      spec: { secretStoreRef: { name: 'vault' }, data: [{ secretKey: 'password' }] },
    }
    const app = presentApplication('till', [createNamespace('till'), external])
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const path = `${group}/namespaces/till/externalsecrets/db`
    const say = (ready: object, generation: number) =>
      kubeCall(plane, 'PATCH', `${path}/status`, {
        status: {
          syncedResourceVersion: `${generation}-0123abcd`,
          conditions: [{ type: 'Ready', lastTransitionTime: '2026-01-01T00:00:00Z', ...ready }],
        },
      })
    const fares = (health: string, words: RegExp) =>
      until(
        () => {
          const { health: seen, unhealthy = [] } = hands.state('till') ?? {}
          return seen === health && words.test(unhealthy[0]?.message ?? '')
        },
        { ...soon, what: `till to be ${health}: ${String(words)}` },
      )
    await fares('InProgress', /not yet synced/)
    const message = 'could not get secret data from provider'
    await say({ status: 'False', reason: 'SecretSyncedError', message }, 1)
    await fares('Failed', /could not get secret data from provider/)
    await say({ status: 'True', reason: 'SecretSynced', message: 'secret synced' }, 1)
    await fares('Current', /^$/)
    // What its controller does to it is no drift, and a new one is not what was synced before.
    assert.equal(hands.state('till')?.driftedObjects, 0)
    const changed = { ...external, spec: { ...external.spec, data: [{ secretKey: 'user' }] } }
    const next = presentApplication('till', [createNamespace('till'), changed])
    await hands.workloads.reconcile(verifiedSnapshot(next), never)
    await fares('InProgress', /controller has synced 1/)
    await say({ status: 'True', reason: 'SecretSynced', message: 'secret synced' }, 2)
    await fares('Current', /^$/)
  })
})
