import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { type ControlPlane, formatKubeconfig, startControlPlane } from '../support/control-plane.ts'
import { createConfig, createHands, createNamespace } from '../support/hands.ts'
import { accessAs } from '../support/kube-manifest.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import {
  type TestObject,
  presentApplication,
  removedApplication,
  verifiedSnapshot,
} from '../support/verified-snapshot.ts'

const never = new AbortController().signal
const soon = { deadlineMs: 40_000, intervalMs: 100 } as const

describe('an agent on a cluster that is broken', () => {
  let plane: ControlPlane
  let directory: TempDir
  const path = (namespace: string, name: string) =>
    `/api/v1/namespaces/${namespace}/configmaps/${name}`
  const read = async (namespace: string, name: string) => {
    const { status, body } = await kubeRequest(plane, 'GET', path(namespace, name))
    return status === 200 ? (body as LiveObject & { data?: Record<string, string> }) : undefined
  }

  before(async () => {
    directory = await createTempDir('kube-broken')
    plane = await startControlPlane({ name: 'broken' })
  })
  after(async () => {
    await plane?.stop()
    await directory?.remove()
  })

  it('F39: with a group that no server answers for, other kinds are applied and nothing is pruned', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const group = 'nowhere.example.org'
    const spec = {
      ...{ group, version: 'v1', groupPriorityMinimum: 100, versionPriority: 100 },
      ...{ service: { name: 'nobody', namespace: 'default' }, insecureSkipTLSVerify: true },
    }
    await kubeCall(plane, 'POST', '/apis/apiregistration.k8s.io/v1/apiservices', {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `v1.${group}` },
      spec,
    })
    const base = [createNamespace('half'), createConfig('half', 'stays')]
    const first = presentApplication('half', [...base, createConfig('half', 'goes')])
    await hands.workloads.reconcile(verifiedSnapshot(first), never)
    const lost = {
      apiVersion: `${group}/v1`,
      kind: 'Tide',
      metadata: { name: 'x', namespace: 'half' },
    }
    const next = presentApplication('half', [...base, createConfig('half', 'new'), lost])
    await hands.workloads.reconcile(verifiedSnapshot(next), never)
    assert.ok(await read('half', 'new'))
    assert.ok(await read('half', 'goes'), 'nothing is pruned beside what cannot be judged')
    const [error] = hands.state('half')!.errors
    assert.match(error!.object, /Tide/)
    // Without the broken part it comes to its end.
    const mended = presentApplication('half', [...base, createConfig('half', 'new')])
    await hands.workloads.reconcile(verifiedSnapshot(mended), never)
    assert.equal(await read('half', 'goes'), undefined)
    await kubeCall(plane, 'DELETE', `/apis/apiregistration.k8s.io/v1/apiservices/v1.${group}`)
  })

  it('F43: a removal whose inventory is gone is not called carried out, also with a group that no server answers for', async () => {
    const apis = '/apis/apiregistration.k8s.io/v1/apiservices'
    const group = 'silent.example.org'
    await kubeCall(plane, 'POST', apis, {
      ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService' },
      metadata: { name: `v1.${group}` },
      spec: {
        ...{ group, version: 'v1', groupPriorityMinimum: 100, versionPriority: 100 },
        ...{ service: { name: 'nobody', namespace: 'default' }, insecureSkipTLSVerify: true },
      },
    })
    const objects = [createNamespace('forgotten'), createConfig('forgotten', 'left')]
    {
      await using hands = await createHands(plane.kubeconfig)
      await hands.workloads.reconcile(
        verifiedSnapshot(presentApplication('forgotten', objects)),
        never,
      )
      assert.equal(hands.state('forgotten')?.phase, 'Applied')
    }
    const inventory = path('groundswell-system', 'groundswell-inventory-forgotten')
    await kubeCall(plane, 'DELETE', inventory)
    await using hands = await createHands(plane.kubeconfig)
    await hands.workloads.reconcile(verifiedSnapshot(removedApplication('forgotten')), never)
    const { phase, errors } = hands.state('forgotten')!
    assert.deepEqual([phase, errors[0]?.code], ['Failed', 'prune_failed'])
    assert.match(
      errors[0]!.message,
      /there still is (ConfigMap forgotten\/left, Namespace forgotten|Namespace forgotten, ConfigMap forgotten\/left): delete/,
    )
    assert.deepEqual(hands.writes(), [])
    await kubeCall(plane, 'DELETE', path('forgotten', 'left'))
    await kubeCall(plane, 'PATCH', '/api/v1/namespaces/forgotten', {
      metadata: { labels: { 'groundswell.dev/application': null } },
    })
    await until(() => hands.state('forgotten')?.phase === 'Removed', {
      ...soon,
      what: 'the removal to be over',
    })
    await kubeCall(plane, 'DELETE', `${apis}/v1.${group}`)
  })

  it('F39: an object whose version is served no more is deleted by another one when it leaves Git', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const group = 'tides.example.org'
    const version = (name: string, storage: boolean, served = true) => ({
      ...{ name, storage, served },
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `tides.${group}` },
      spec: {
        ...{ group, scope: 'Namespaced', names: { kind: 'Tide', plural: 'tides' } },
        versions: [version('v1beta1', false), version('v1', true)],
      },
    }
    await kubeCall(plane, 'POST', crds, definition)
    const at = (name: string) => `/apis/${group}/${name}/namespaces/tides/tides/high`
    const status = async (path: string) => (await kubeRequest(plane, 'GET', path)).status
    await until(async () => (await status(`/apis/${group}/v1beta1`)) === 200, {
      ...soon,
      what: 'the kind to be served',
    })
    const tide = {
      apiVersion: `${group}/v1beta1`,
      kind: 'Tide',
      metadata: { name: 'high', namespace: 'tides' },
    }
    const base = [createNamespace('tides'), createConfig('tides', 'stays')]
    const apply = (objects: TestObject[]) =>
      hands.workloads.reconcile(verifiedSnapshot(presentApplication('tides', objects)), never)
    await apply([...base, tide])
    assert.equal(await status(at('v1')), 200)
    const stored = await kubeCall<typeof definition>(plane, 'GET', `${crds}/tides.${group}`)
    const versions = [version('v1beta1', false, false), version('v1', true)]
    await kubeCall(plane, 'PUT', `${crds}/tides.${group}`, {
      ...stored,
      spec: { ...stored.spec, versions },
    })
    await until(async () => (await status(at('v1beta1'))) === 404, {
      ...soon,
      what: 'the old version to be gone',
    })
    assert.equal(await status(at('v1')), 200)
    await apply(base)
    assert.equal(await status(at('v1')), 404, 'it is deleted')
    assert.deepEqual(hands.state('tides')!.errors, [])
  })

  it('I5: a definition is not deleted while anybody has objects of its kind, which would go with it', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const group = 'buoys.example.org'
    const schema = {
      openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    }
    const definition: TestObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `buoys.${group}` },
      spec: {
        ...{ group, scope: 'Namespaced', names: { kind: 'Buoy', plural: 'buoys' } },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    }
    const buoy = (name: string): TestObject => ({
      ...{ apiVersion: `${group}/v1`, kind: 'Buoy', metadata: { name, namespace: 'default' } },
    })
    await hands.workloads.reconcile(
      verifiedSnapshot(presentApplication('buoys', [definition, buoy('own')])),
      never,
    )
    const all = `/apis/${group}/v1/namespaces/default/buoys`
    await kubeCall(plane, 'POST', all, buoy('by-hand'))
    await hands.workloads.reconcile(verifiedSnapshot(removedApplication('buoys')), never)
    const { phase, waiting } = hands.state('buoys')!
    assert.equal(phase, 'Applying')
    assert.match(waiting ?? '', /would go with it: Buoy default\/by-hand\. Delete those first/)
    assert.equal((await kubeRequest(plane, 'GET', `${all}/by-hand`)).status, 200)
    assert.equal((await kubeRequest(plane, 'GET', `${all}/own`)).status, 404)
    await kubeCall(plane, 'DELETE', `${all}/by-hand`)
    await until(() => hands.state('buoys')?.phase === 'Removed', {
      ...soon,
      what: 'the definition to go as well',
    })
  })

  it('I4: an object that two API groups serve is not deleted by one id when it stays by the other', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const metadata = { name: 'bell', namespace: 'default' }
    const about = { apiVersion: 'v1', kind: 'Namespace', name: 'default', namespace: 'default' }
    const shared = {
      ...{ kind: 'Event', metadata, eventTime: '2026-01-01T00:00:00.000000Z', type: 'Normal' },
      ...{ reportingInstance: 'one', action: 'Ring', reason: 'Fog' },
    }
    const core = { apiVersion: 'v1', involvedObject: about, reportingComponent: 'sea.example/bell' }
    const named = {
      ...{ apiVersion: 'events.k8s.io/v1', regarding: about },
      reportingController: 'sea.example/bell',
    }
    const bring = (event: TestObject, generation: number) =>
      hands.workloads.reconcile(
        verifiedSnapshot(presentApplication('bell', [event], { generation })),
        never,
      )
    await bring({ ...shared, ...core }, 1)
    await bring({ ...shared, ...named }, 2)
    assert.deepEqual(hands.state('bell')?.errors, [])
    const path = '/api/v1/namespaces/default/events/bell'
    assert.equal((await kubeRequest(plane, 'GET', path)).status, 200)
  })

  it('F40: rights that are taken away are an error for each object, and nothing is lost meanwhile', async () => {
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace('rights'))
    await kubeCall(plane, 'POST', '/api/v1/namespaces/rights/serviceaccounts', {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'agent' } },
    })
    const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'
    const grant = () =>
      kubeCall(plane, 'POST', bindings, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'agent' },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'cluster-admin',
        },
        subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: 'rights' }],
      })
    await grant()
    const kubeconfig = join(directory.path, 'kubeconfig')
    const access = await accessAs(plane, 'rights', 'agent')
    await writeFile(kubeconfig, formatKubeconfig('broken', access), { mode: 0o600 })
    await using hands = await createHands(kubeconfig)
    const config = (name: string, value: string) => createConfig('rights', name, { value })
    const one = presentApplication('rights', [config('a', '1'), config('b', '1'), config('c', '1')])
    await until(
      async () => {
        await hands.workloads.reconcile(verifiedSnapshot(one), never)
        return hands.state('rights')?.phase === 'Applied'
      },
      { ...soon, what: 'the first apply' },
    )
    await kubeCall(plane, 'DELETE', `${bindings}/agent`)
    await until(
      async () =>
        (await kubeRequest(access, 'GET', '/api/v1/namespaces/rights/configmaps')).status === 403,
      { ...soon, what: 'the rights to be gone' },
    )
    const two = presentApplication('rights', [config('a', '2'), config('b', '2')], {
      generation: 2,
    })
    await hands.workloads.reconcile(verifiedSnapshot(two), never)
    assert.equal(hands.state('rights')?.phase, 'Failed')
    assert.match(JSON.stringify(hands.state('rights')!.errors), /forbidden/i)
    for (const name of ['a', 'b', 'c']) {
      assert.equal((await read('rights', name))?.data?.['value'], '1', name)
    }
    await grant()
    await until(() => hands.state('rights')?.phase === 'Applied', { ...soon, what: 'the rest' })
    assert.equal((await read('rights', 'a'))?.data?.['value'], '2')
    assert.equal(await read('rights', 'c'), undefined)
  })

  it('F32: an etcd that was restored to before is brought to what is wanted now, and keeps what it kept', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const config = (name: string, value: string) => createConfig('restored', name, { value })
    const home = createNamespace('restored')
    const one = presentApplication('restored', [home, config('a', '1'), config('b', '1')])
    await hands.workloads.reconcile(verifiedSnapshot(one), never)
    const uid = (await read('restored', 'a'))!.metadata.uid
    await plane.backup.take()
    const wanted = [home, config('a', '2'), config('c', '2')]
    const two = presentApplication('restored', wanted, { generation: 2 })
    await until(
      async () => {
        await hands.workloads.reconcile(verifiedSnapshot(two), never)
        return (await read('restored', 'c')) && !(await read('restored', 'b'))
      },
      { ...soon, what: 'the newer state' },
    )
    await plane.backup.restore()
    assert.ok(await read('restored', 'b'), 'it is as it was before')
    await until(
      async () =>
        (await read('restored', 'a'))?.data?.['value'] === '2' &&
        (await read('restored', 'c'))?.data?.['value'] === '2',
      { ...soon, what: 'the drift to be repaired' },
    )
    assert.equal((await read('restored', 'a'))!.metadata.uid, uid)
    // What only the restored state has is left where it is: nothing says that it may go.
    assert.ok(await read('restored', 'b'))
  })
})

it('F32: an etcd that is full is reported, and what is there stays', async () => {
  await using plane = await startControlPlane({ name: 'full', quotaBytes: 6 * 1024 * 1024 })
  await using hands = await createHands(plane.kubeconfig)
  const base = [createNamespace('full'), createConfig('full', 'there')]
  const one = presentApplication('full', base)
  await hands.workloads.reconcile(verifiedSnapshot(one), never)
  assert.equal(hands.state('full')?.phase, 'Applied')
  const large = Array.from({ length: 20 }, (_, n) =>
    createConfig('full', `large-${n}`, { value: 'x'.repeat(700_000) }),
  )
  const two = presentApplication('full', [...base, ...large], { generation: 2 })
  await hands.workloads.reconcile(verifiedSnapshot(two), never)
  const state = hands.state('full')!
  assert.equal(state.phase, 'Failed')
  assert.match(JSON.stringify(state.errors), /database space exceeded/)
  const { status } = await kubeRequest(plane, 'GET', '/api/v1/namespaces/full/configmaps/there')
  assert.equal(status, 200)
})
