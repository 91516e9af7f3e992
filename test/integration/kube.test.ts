import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createKubeCluster } from '../../agent/cluster/kube.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import type { Cluster, LiveObject, Resource, WatchEvent } from '../../agent/cluster/port.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createConfig } from '../support/hands.ts'
import { kubeCall } from '../support/kube-request.ts'
import { until } from '../support/until.ts'

const never = new AbortController().signal
const options = { fieldManager: 'groundswell', force: true }

describe('createKubeCluster on a real API server', () => {
  let plane: ControlPlane
  let cluster: Cluster
  let configMaps: Resource
  const idOf = (name: string) => ({ group: '', kind: 'ConfigMap', namespace: 'default', name })
  const apply = (name: string, body: object = createConfig('default', name, { a: '1' })) =>
    cluster.apply(configMaps, idOf(name), JSON.stringify(body), options, never)

  before(async () => {
    plane = await startControlPlane({ name: 'kube' })
    cluster = createKubeCluster(await loadConnection({ kubeconfig: plane.kubeconfig }))
    configMaps = await cluster.resource('v1', 'ConfigMap', never)
    await until(() => kubeCall(plane, 'GET', '/api/v1/namespaces/default'), {
      deadlineMs: 10_000,
      what: 'the default namespace',
    })
  })
  after(async () => {
    await cluster?.close()
    await plane?.stop()
  })

  it('tells the cluster by its kube-system namespace, and its version and nodes', async () => {
    const uid = await until(() => cluster.uid(never), { deadlineMs: 10_000, what: 'kube-system' })
    assert.match(uid, /^[0-9a-f-]{36}$/)
    const facts = await cluster.facts(never)
    assert.match(facts.kubernetesVersion, /^v1\./)
    assert.equal(facts.nodes, 0)
  })

  it('sends numbers as they were written', async () => {
    const body = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"exact"},"spec":{
      "selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
      "spec":{"securityContext":{"runAsUser":9007199254740993},"containers":[{"name":"c","image":"i"}]}}}}`
    const deployments = await cluster.resource('apps/v1', 'Deployment', never)
    const id = { ...idOf('exact'), group: 'apps', kind: 'Deployment' }
    // Too large for a user id, so the refusal shows what arrived.
    await assert.rejects(cluster.apply(deployments, id, body, options, never), {
      code: 'apply_invalid',
      message: /9007199254740993/,
    })
  })

  it('tells an object that was made from one that was there', async () => {
    assert.equal((await apply('twice')).created, true)
    assert.equal((await apply('twice')).created, false)
    const changed = createConfig('default', 'twice', { a: '2' })
    assert.equal((await apply('twice', changed)).created, false)
    await cluster.delete(
      configMaps,
      idOf('twice'),
      (await apply('twice')).object.metadata.uid ?? '',
      never,
    )
    assert.equal((await apply('twice')).created, true)
  })

  it('names a field that does not exist', async () => {
    const body = { ...createConfig('default', 'strict'), dtaa: {} }
    await assert.rejects(apply('strict', body), { code: 'apply_invalid', message: /dtaa/ })
  })

  it('says kind_unknown for what is not served, in a known group and in an unknown one', async () => {
    for (const apiVersion of ['apps/v1', 'nowhere.example.org/v1']) {
      await assert.rejects(cluster.resource(apiVersion, 'Wave', never), { code: 'kind_unknown' })
    }
  })

  it('deletes only the object it means, and is content when it is gone', async () => {
    const { metadata } = (await apply('precise')).object
    await cluster.delete(configMaps, idOf('precise'), '00000000-0000-0000-0000-000000000000', never)
    assert.ok(await cluster.get(configMaps, idOf('precise'), never))
    await cluster.delete(configMaps, idOf('precise'), metadata.uid ?? '', never)
    assert.equal(await cluster.get(configMaps, idOf('precise'), never), undefined)
    await cluster.delete(configMaps, idOf('precise'), metadata.uid ?? '', never)
  })

  it('deletes only what it has seen, where a version is given', async () => {
    const { metadata } = (await apply('seen')).object
    const { uid = '', resourceVersion = '' } = metadata
    const next = await apply('seen', createConfig('default', 'seen', { a: '2' }))
    const seen = (version: string) => cluster.delete(configMaps, idOf('seen'), uid, never, version)
    await assert.rejects(seen(resourceVersion), { code: 'apply_conflict' })
    assert.ok(await cluster.get(configMaps, idOf('seen'), never))
    await seen(next.object.metadata.resourceVersion ?? '')
    assert.equal(await cluster.get(configMaps, idOf('seen'), never), undefined)
  })

  it('lists more than a page, then tells of each change', async () => {
    const count = 620
    const label = 'groundswell.dev/paged'
    const body = (name: string) => ({
      ...createConfig('default', name),
      metadata: { name, namespace: 'default', labels: { [label]: '' } },
    })
    const names = Array.from({ length: count }, (_, n) => `paged-${n}`)
    await Promise.all(names.map((name) => apply(name, body(name))))
    const stop = new AbortController()
    const events: WatchEvent[] = []
    const loop = (async () => {
      for await (const event of cluster.watch(configMaps, label, stop.signal)) events.push(event)
    })()
    const synced = await until(() => events.find(({ type }) => type === 'synced'), {
      deadlineMs: 10_000,
      what: 'the list',
    })
    assert.equal(synced.type === 'synced' && synced.ids.size, count)
    const pages = events.map((event) => (event.type === 'listed' ? event.objects.length : 0))
    assert.deepEqual(pages, [500, 120, 0], 'no more than a page at once')
    await apply('paged-0', { ...body('paged-0'), data: { a: '2' } })
    await kubeCall(plane, 'DELETE', '/api/v1/namespaces/default/configmaps/paged-1')
    await until(() => events.length === 5, { deadlineMs: 10_000, what: 'both changes' })
    assert.deepEqual(
      events.slice(3).map((e) => 'object' in e && [e.type, e.object.metadata.name]),
      [
        ['modified', 'paged-0'],
        ['deleted', 'paged-1'],
      ],
    )
    stop.abort()
    await loop
  })

  it('takes marks off and leaves the rest', async () => {
    const body = createConfig('default', 'marked', { a: '1' }, { mine: 'x', other: 'y' })
    const { metadata } = (await apply('marked', body)).object
    const marks = { labels: ['none'], annotations: ['mine'] }
    await cluster.disown(configMaps, idOf('marked'), metadata.uid ?? '', marks, never)
    const after = await cluster.get(configMaps, idOf('marked'), never)
    assert.deepEqual(after?.metadata.annotations, { other: 'y' })
    assert.deepEqual(after?.['data'], { a: '1' })
  })

  it('names what a namespace holds, furniture left out', async () => {
    await kubeCall(plane, 'POST', '/api/v1/namespaces', { metadata: { name: 'room' } })
    assert.deepEqual(await cluster.occupants('room', never), [])
    await kubeCall(plane, 'POST', '/apis/apps/v1/namespaces/room/deployments', {
      metadata: { name: 'chair' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', image: 'i' }] },
        },
      },
    })
    assert.deepEqual(await cluster.occupants('room', never), [
      { group: 'apps', kind: 'Deployment', namespace: 'room', name: 'chair' },
    ])
  })
  it('F46: names what is kept in a namespace from outside, and nothing while nobody answers for a group', async () => {
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' }
    const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
    await kubeCall(plane, 'POST', '/api/v1/namespaces', { metadata: { name: 'kept' } })
    const role = await kubeCall<LiveObject>(plane, 'POST', roles, {
      ...rbac,
      metadata: { name: 'keeper' },
    })
    const owner = { ...rbac, name: 'keeper', uid: role.metadata.uid }
    const config = createConfig('kept', 'c')
    await kubeCall(plane, 'POST', '/api/v1/namespaces/kept/configmaps', {
      ...config,
      metadata: { ...config.metadata, ownerReferences: [owner] },
    })
    const held = [{ group: '', kind: 'ConfigMap', namespace: 'kept', name: 'c' }]
    assert.deepEqual(await cluster.occupants('kept', never), held)
    await kubeCall(plane, 'DELETE', `${roles}/keeper`)
    assert.deepEqual(await cluster.occupants('kept', never), [])

    const apis = '/apis/apiregistration.k8s.io/v1/apiservices'
    await kubeCall(plane, 'POST', apis, {
      ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService' },
      metadata: { name: 'v1.nowhere.example.org' },
      spec: {
        ...{ group: 'nowhere.example.org', version: 'v1', insecureSkipTLSVerify: true },
        ...{ groupPriorityMinimum: 100, versionPriority: 100 },
        service: { name: 'nobody', namespace: 'default' },
      },
    })
    const refusal = () =>
      cluster.occupants('kept', never).then(
        () => '',
        ({ message }: Error) => message,
      )
    await until(async () => /nobody answers for nowhere/.test(await refusal()), {
      deadlineMs: 10_000,
      what: 'the API server to say that nobody answers',
    })
    await kubeCall(plane, 'DELETE', `${apis}/v1.nowhere.example.org`)
  })
})
