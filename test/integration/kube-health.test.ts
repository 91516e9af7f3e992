import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createConfig, createDeployment, createHands, createNamespace } from '../support/hands.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { until } from '../support/until.ts'
import {
  presentApplication,
  removedApplication,
  verifiedSnapshot,
} from '../support/verified-snapshot.ts'

const never = new AbortController().signal

describe('health on a real cluster with controllers', () => {
  let plane: ControlPlane
  before(async () => {
    plane = await startControlPlane({ name: 'health', controllers: true, nodes: true })
  })
  after(() => plane?.stop())

  it('follows a Deployment from in progress to current, revision by revision', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const shop = presentApplication('shop', [createNamespace('shop'), createDeployment('shop')])
    await hands.workloads.reconcile(verifiedSnapshot(shop), never)
    // The controllers cannot be done yet, and the state must not say so.
    assert.equal(hands.state('shop')?.health, 'InProgress')
    await until(() => hands.state('shop')?.health === 'Current', {
      deadlineMs: 60_000,
      what: 'the Deployment to be current',
    })
    const web = JSON.parse(
      JSON.stringify(createDeployment('shop')).replace('web:1', 'web:2'),
    ) as ReturnType<typeof createDeployment>
    const next = presentApplication('shop', [createNamespace('shop'), web])
    await hands.workloads.reconcile(verifiedSnapshot(next), never)
    const state = hands.state('shop')
    assert.equal(state?.phase, 'Applied')
    assert.equal(state?.health, 'InProgress')
    assert.equal(state?.manifestDigest, next.manifestDigest)
    await until(() => hands.state('shop')?.health === 'Current', {
      deadlineMs: 60_000,
      what: 'the second revision to be current',
    })
    // What the controllers did on the way is no drift.
    assert.equal(hands.state('shop')?.healed, 0)
    assert.ok(hands.reports.every(({ driftedObjects }) => driftedObjects === 0))
  })

  it('removes an application with its namespace', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const objects = [createNamespace('gone'), createDeployment('gone'), createConfig('gone', 'c')]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication('gone', objects)), never)
    await hands.workloads.reconcile(verifiedSnapshot(removedApplication('gone')), never)
    await until(() => hands.state('gone')?.phase === 'Removed', {
      deadlineMs: 60_000,
      what: 'the removal',
    })
    await until(
      async () => (await kubeRequest(plane, 'GET', '/api/v1/namespaces/gone')).status === 404,
      { deadlineMs: 60_000, what: 'the namespace to be gone' },
    )
  })

  it('names a namespace that is stuck, and lets other applications pass (F37)', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const stuck = presentApplication('stuck', [
      createNamespace('stuck'),
      createConfig('stuck', 'held'),
    ])
    await hands.workloads.reconcile(verifiedSnapshot(stuck), never)
    const held = '/api/v1/namespaces/stuck/configmaps/held'
    await kubeCall(plane, 'PATCH', held, { metadata: { finalizers: ['example.org/hold'] } })
    await kubeCall(plane, 'DELETE', '/api/v1/namespaces/stuck')
    await until(() => hands.state('stuck')?.health === 'Terminating', {
      deadlineMs: 20_000,
      what: 'the namespace to be seen going',
    })
    const added = presentApplication('stuck', [
      createNamespace('stuck'),
      createConfig('stuck', 'held'),
      createConfig('stuck', 'new'),
    ])
    const other = presentApplication('other', [createNamespace('other')])
    const both = hands.workloads.reconcile(verifiedSnapshot(added, other), never)
    await until(() => hands.state('other')?.phase === 'Applied', {
      deadlineMs: 20_000,
      what: 'the other application',
    })
    const words = hands
      .state('stuck')
      ?.unhealthy.map(({ message }) => message)
      .join()
    assert.match(words ?? '', /example\.org\/hold|being deleted/)
    await kubeCall(plane, 'PATCH', held, { metadata: { finalizers: null } })
    await both
    const isWhole = () => {
      const state = hands.state('stuck')
      return state?.phase === 'Applied' && state.health === 'Current' && state.objects === 3
    }
    await until(isWhole, { deadlineMs: 60_000, what: 'the namespace to come back whole' })
  })
})
