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

interface LiveDeployment {
  readonly metadata: { readonly generation: number }
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: { image: string }[] } }
  }
  readonly status: {
    readonly observedGeneration: number
    readonly updatedReplicas: number
    readonly availableReplicas: number
  }
}

const never = new AbortController().signal

describe('health on a real cluster with controllers', () => {
  let plane: ControlPlane
  before(async () => {
    plane = await startControlPlane({ name: 'health', controllers: true, nodes: true })
  })
  after(() => plane?.stop())

  it('calls a revision current only once the controllers are done with that revision', async () => {
    await using hands = await createHands(plane.kubeconfig)
    for (const image of ['web:1', 'web:2', 'web:3']) {
      const text = JSON.stringify(createDeployment('shop')).replace('web:1', image)
      const web = JSON.parse(text) as ReturnType<typeof createDeployment>
      const app = presentApplication('shop', [createNamespace('shop'), web])
      await hands.workloads.reconcile(verifiedSnapshot(app), never)
      const isCurrent = () => {
        const state = hands.state('shop')
        return state?.manifestDigest === app.manifestDigest && state.health === 'Current'
      }
      await until(isCurrent, { deadlineMs: 60_000, what: `${image} to be current` })
      const path = '/apis/apps/v1/namespaces/shop/deployments/web'
      const live = await kubeCall<LiveDeployment>(plane, 'GET', path)
      assert.equal(live.spec.template.spec.containers[0]?.image, image)
      assert.equal(live.status.observedGeneration, live.metadata.generation)
      assert.equal(live.status.updatedReplicas, 2)
      assert.equal(live.status.availableReplicas, 2)
    }
    // On the way it was seen in progress, and nothing the controllers did was drift.
    assert.ok(hands.reports.some(({ health }) => health === 'InProgress'))
    assert.equal(hands.state('shop')?.healed, 0)
    assert.ok(hands.reports.every(({ driftedObjects }) => driftedObjects === 0))
  })

  it('does not make a Job anew that has ended, and that its TTL has deleted', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const template = {
      spec: { restartPolicy: 'Never', containers: [{ name: 'seed', image: 'seed:1' }] },
    }
    const job = {
      ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'seed', namespace: 'seeds' } },
      spec: { template, ttlSecondsAfterFinished: 1 },
    }
    const app = presentApplication('seeds', [createNamespace('seeds'), job])
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const path = '/apis/batch/v1/namespaces/seeds/jobs/seed'
    await until(async () => (await kubeRequest(plane, 'GET', path)).status === 404, {
      deadlineMs: 60_000,
      what: 'the Job to end and go',
    })
    await until(() => hands.state('seeds')?.health === 'Current', {
      deadlineMs: 10_000,
      what: 'the application to be none the worse for it',
    })
    // What would repair it has had its turn.
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const { drift, healed } = hands.state('seeds')!
    assert.deepEqual([drift, healed], [[], 0])
    assert.equal((await kubeRequest(plane, 'GET', path)).status, 404)
  })

  it('judges a kind of its own by the expressions that came with it', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'tides.sea.example.org' },
      spec: {
        group: 'sea.example.org',
        names: { kind: 'Tide', plural: 'tides' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: open } }],
      },
    }
    const tide = {
      apiVersion: 'sea.example.org/v1',
      kind: 'Tide',
      metadata: { name: 'neap', namespace: 'tides' },
      spec: { height: 3 },
    }
    const healthChecks = [
      {
        apiVersion: 'sea.example.org/v1',
        kind: 'Tide',
        failed: 'has(status.phase) && status.phase == "Stranded"',
        current: 'has(status.phase) && status.phase == "High"',
      },
    ]
    const app = presentApplication('tides', [definition, createNamespace('tides'), tide], {
      healthChecks,
    })
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    assert.deepEqual(hands.state('tides')?.errors, [])
    const path = '/apis/sea.example.org/v1/namespaces/tides/tides/neap'
    const becomes = async (phase: string, health: string) => {
      await kubeCall(plane, 'PATCH', `${path}?fieldManager=moon`, { status: { phase } })
      await until(() => hands.state('tides')?.health === health, {
        deadlineMs: 10_000,
        what: `a tide that is ${phase} to be ${health}`,
      })
    }
    assert.equal(hands.state('tides')?.health, 'InProgress', 'kstatus would say Current')
    await becomes('High', 'Current')
    await becomes('Stranded', 'Failed')
    assert.match(hands.state('tides')!.unhealthy[0]!.message, /status\.phase == "Stranded"/)
    assert.equal(hands.state('tides')?.driftedObjects, 0, 'a status of others is no drift')
  })

  it('says why pods are not ready, in the words of the scheduler', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const text = JSON.stringify(createDeployment('nowhere')).replace(
      '"containers":',
      '"nodeSelector":{"made.of":"cheese"},"containers":',
    )
    const web = JSON.parse(text) as ReturnType<typeof createDeployment>
    const app = presentApplication('nowhere', [createNamespace('nowhere'), web])
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const words = () => hands.state('nowhere')?.unhealthy[0]?.message ?? ''
    await until(() => /pod web-/.test(words()), { deadlineMs: 60_000, what: 'a diagnosis' })
    assert.match(words(), /pod web-\S+: not scheduled: \d+\/\d+ nodes are available.*affinity/)
    assert.match(words(), /; FailedScheduling: /)
    const removed = verifiedSnapshot(removedApplication('nowhere'))
    await hands.workloads.reconcile(removed, never)
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

  it('F37: names a namespace that is stuck, and lets other applications pass', async () => {
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
