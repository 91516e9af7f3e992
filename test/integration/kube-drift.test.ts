import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createConfig, createDeployment, createHands, createNamespace } from '../support/hands.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { until } from '../support/until.ts'
import { presentApplication, verifiedSnapshot } from '../support/verified-snapshot.ts'

const never = new AbortController().signal
type Hands = Awaited<ReturnType<typeof createHands>>

describe('drift on a real API server', () => {
  let plane: ControlPlane
  let count = 0
  const uniqueName = (stem: string) => `${stem}-${(count += 1)}`
  const configPath = (namespace: string, name: string) =>
    `/api/v1/namespaces/${namespace}/configmaps/${name}`
  const read = async (path: string) => {
    const { status, body } = await kubeRequest(plane, 'GET', path)
    return status === 200 ? (body as LiveObject & { data?: Record<string, string> }) : undefined
  }

  before(async () => {
    plane = await startControlPlane({ name: 'drift' })
  })
  after(() => plane?.stop())

  it('heals drift, and reports its path, values and manager', async () => {
    const name = uniqueName('drift')
    await using hands = await createHands(plane.kubeconfig)
    const app = presentApplication(name, [createNamespace(name), createDeployment(name)])
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const path = `/apis/apps/v1/namespaces/${name}/deployments/web`
    await kubeCall(plane, 'PATCH', `${path}?fieldManager=someone`, {
      spec: { template: { spec: { containers: [{ name: 'web', image: 'web:evil' }] } } },
    })
    const state = await until(
      () => hands.reports.find((r) => r.application === name && r.driftedObjects > 0),
      { deadlineMs: 10_000, what: 'drift to be reported' },
    )
    const image = state.drift[0]?.fields.find((f) => f.path.endsWith('/image'))
    const { changedAt, ...rest } = image ?? {}
    assert.ok(Math.abs(Date.now() - (changedAt ?? 0)) < 60_000, 'it tells when')
    assert.deepEqual(rest, {
      path: '/spec/template/spec/containers/0/image',
      desired: '"web:1"',
      live: '"web:evil"',
      manager: 'someone',
    })
    await until(() => hands.state(name)?.healed === 1, { deadlineMs: 10_000, what: 'the repair' })
    const healed = (await read(path)) as unknown as {
      spec: { template: { spec: { containers: { image: string }[] } } }
    }
    assert.equal(healed.spec.template.spec.containers[0]?.image, 'web:1')
    await until(() => hands.reports.findLast((r) => r.application === name)?.driftedObjects === 0, {
      deadlineMs: 5_000,
      what: 'the drift to be over',
    })

    // Gone altogether is drift too.
    await kubeCall(plane, 'DELETE', path)
    await until(() => hands.state(name)?.healed === 2, { deadlineMs: 10_000, what: 'the return' })
    assert.ok(await read(path))
    await until(() => hands.reports.some((r) => r.drift.some(({ missing }) => missing)), {
      deadlineMs: 5_000,
      what: 'the report that it was missing',
    })
  })

  it('only reports drift when the policy says so, and sees what happened while it was away', async () => {
    const name = uniqueName('report')
    const app = presentApplication(
      name,
      [createNamespace(name), createConfig(name, 'c', { a: '1' })],
      {
        drift: 'report',
      },
    )
    {
      await using hands = await createHands(plane.kubeconfig)
      await hands.workloads.reconcile(verifiedSnapshot(app), never)
    }
    const changed = Math.floor(Date.now() / 1000) * 1000
    await kubeCall(plane, 'PATCH', `${configPath(name, 'c')}?fieldManager=night`, {
      data: { a: '2' },
    })
    // Neither a default nor a field of another's is found to differ on the way.
    await until(() => Date.now() > changed + 2_000, { deadlineMs: 5_000, what: 'a while' })
    await using hands = await createHands(plane.kubeconfig)
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const drift = await until(() => hands.state(name)?.drift[0], {
      deadlineMs: 5_000,
      what: 'drift',
    })
    assert.equal(drift.object, `/ConfigMap/${name}/c`)
    const [field, ...others] = drift.fields
    assert.deepEqual(others, [])
    const { path, desired, live, manager, changedAt = 0 } = field ?? {}
    assert.deepEqual([path, desired, live, manager], ['/data/a', '"1"', '"2"', 'night'])
    assert.ok(changedAt >= changed && changedAt <= changed + 1_000)
    assert.equal(drift.firstSeen, changedAt, 'it began when the agent was away')
    const { writes } = hands
    assert.deepEqual(
      writes().filter(({ path }) => !path.includes('dryRun=All')),
      [],
    )
  })

  it('never takes for drift what others own, default or scale', async () => {
    const name = uniqueName('foreign')
    await using hands = await createHands(plane.kubeconfig)
    const app = presentApplication(name, [createNamespace(name), createDeployment(name)])
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const path = `/apis/apps/v1/namespaces/${name}/deployments/web`
    await kubeCall(plane, 'PATCH', `${path}?fieldManager=other`, {
      metadata: { annotations: { note: 'mine' }, labels: { team: 'x' } },
      spec: {
        minReadySeconds: 3,
        template: {
          spec: {
            nodeSelector: { disk: 'ssd' },
            volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1Gi' } }],
          },
        },
      },
    })
    await kubeCall(plane, 'PATCH', `${path}/scale?fieldManager=autoscaler`, {
      spec: { replicas: 5 },
    })
    // A marker that is drift: once it was healed, all that came before was looked at.
    await kubeCall(plane, 'PATCH', `${path}?fieldManager=other`, {
      metadata: { labels: { 'groundswell.dev/application': name, app: null } },
      spec: { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
    })
    await until(() => hands.state(name)?.healed === 1, { deadlineMs: 10_000, what: 'the repair' })
    const driftedPaths = () =>
      hands.reports
        .flatMap(({ drift }) => drift)
        .flatMap(({ fields }) => fields.map(({ path }) => path))
    const paths = await until(() => driftedPaths().length > 0 && driftedPaths(), {
      deadlineMs: 5_000,
      what: 'the marker to be reported',
    })
    const strange = paths.filter((p) => !p.startsWith('/spec/template/spec/containers'))
    assert.deepEqual(strange, [])
    const live = (await read(path)) as unknown as {
      spec: { replicas: number; minReadySeconds: number }
    }
    assert.equal(live.spec.replicas, 5)
    assert.equal(live.spec.minReadySeconds, 3)
  })

  it('leaves ignored fields to others, in what it compares and in what it writes', async () => {
    const name = uniqueName('ignored')
    await using hands = await createHands(plane.kubeconfig)
    const ignore = [
      { kind: 'Deployment', jsonPointers: ['/spec/replicas'], managedFieldsManagers: ['tuner'] },
    ]
    const web = createDeployment(name)
    const spec = { ...(web['spec'] as object), revisionHistoryLimit: 3 }
    const objects = [createNamespace(name), { ...web, spec }]
    const app = presentApplication(name, objects, { ignore })
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const path = `/apis/apps/v1/namespaces/${name}/deployments/web`
    await kubeCall(plane, 'PATCH', `${path}?fieldManager=keda`, { spec: { replicas: 7 } })
    await kubeCall(plane, 'PATCH', `${path}?fieldManager=tuner`, {
      spec: { revisionHistoryLimit: 9 },
    })
    await kubeCall(plane, 'PATCH', `${path}?fieldManager=hand`, {
      spec: { template: { spec: { containers: [{ name: 'web', image: 'web:evil' }] } } },
    })
    await until(() => hands.state(name)?.healed === 1, { deadlineMs: 10_000, what: 'the repair' })
    const look = async () => {
      const { spec } = (await read(path)) as unknown as {
        spec: {
          replicas: number
          revisionHistoryLimit: number
          template: { spec: { containers: { image: string }[] } }
        }
      }
      return [spec.replicas, spec.revisionHistoryLimit, spec.template.spec.containers[0]?.image]
    }
    assert.deepEqual(await look(), [7, 9, 'web:1'])
    const fields = hands.reports.flatMap((r) => r.drift.flatMap(({ fields }) => fields))
    const strange = fields.filter(({ path }) => !path.startsWith('/spec/template/spec/containers'))
    assert.deepEqual(strange, [])

    // Without the rules the same fields differ, though nothing has happened to the object since.
    const strict = presentApplication(name, objects, { generation: 2 })
    await hands.workloads.reconcile(verifiedSnapshot(strict), never)
    await until(() => hands.state(name)?.healed === 2, { deadlineMs: 10_000, what: 'the rest' })
    assert.deepEqual(await look(), [2, 3, 'web:1'])
  })

  it('loses a field that Git drops, whichever tool put it there, and keeps what Git never had', async () => {
    const name = uniqueName('tools')
    await using hands = await createHands(plane.kubeconfig)
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace(name))
    const made = (of: string) => createConfig(name, of, { kept: '1', dropped: '1', own: '1' })
    const path = `/api/v1/namespaces/${name}/configmaps?fieldManager=helm`
    await kubeCall(plane, 'POST', path, made('helm'))
    const configMaps = await hands.cluster.resource('v1', 'ConfigMap', never)
    const appliers = ['kubectl', 'argocd-controller', 'kustomize-controller', 'stranger']
    for (const fieldManager of appliers) {
      const id = { group: '', kind: 'ConfigMap', namespace: name, name: fieldManager }
      const json = JSON.stringify(made(fieldManager))
      await hands.cluster.apply(configMaps, id, json, { fieldManager, force: true }, never)
    }
    const names = ['helm', ...appliers]
    const bring = async (data: Record<string, string>) => {
      const app = presentApplication(
        name,
        names.map((of) => createConfig(name, of, data)),
      )
      await hands.workloads.reconcile(verifiedSnapshot(app), never)
      assert.deepEqual(hands.state(name)?.errors, [])
    }
    const dataOf = async (of: string) =>
      (await kubeCall<{ data?: object }>(plane, 'GET', configPath(name, of))).data
    await bring({ kept: '1', dropped: '1' })
    for (const of of names) {
      assert.deepEqual(await dataOf(of), { kept: '1', dropped: '1', own: '1' }, of)
    }
    await bring({ kept: '1' })
    for (const of of names) {
      // Whoever else applies server-side shares its fields for good, as Kubernetes has it.
      const left = { kept: '1', own: '1', ...(of === 'stranger' && { dropped: '1' }) }
      assert.deepEqual(await dataOf(of), left, of)
    }
  })

  it('makes its own again what a backup has restored, so that what Git drops goes', async () => {
    const name = uniqueName('restored')
    const path = configPath(name, 'c')
    const bring = async (hands: Hands, data: Record<string, string>) => {
      const app = presentApplication(name, [createNamespace(name), createConfig(name, 'c', data)])
      await hands.workloads.reconcile(verifiedSnapshot(app), never)
      assert.deepEqual(hands.state(name)?.errors, [])
    }
    {
      await using hands = await createHands(plane.kubeconfig)
      await bring(hands, { kept: '1', dropped: '1' })
    }
    const { metadata, ...rest } = (await read(path))!
    const { uid: _, resourceVersion: __, managedFields: ___, ...marks } = metadata
    await kubeCall(plane, 'DELETE', path)
    const home = `/api/v1/namespaces/${name}/configmaps?fieldManager=velero`
    await kubeCall(plane, 'POST', home, { ...rest, metadata: marks })
    await using hands = await createHands(plane.kubeconfig)
    await bring(hands, { kept: '1', dropped: '1' })
    const isOurs = async () => {
      const managers = (await read(path))?.metadata.managedFields?.map(({ manager }) => manager)
      return managers?.join() === 'groundswell'
    }
    await until(isOurs, { deadlineMs: 10_000, what: 'the restored object to be ours' })
    await until(() => hands.state(name)?.driftedObjects === 0, {
      deadlineMs: 10_000,
      what: 'nothing to differ',
    })
    await bring(hands, { kept: '1' })
    assert.deepEqual((await read(path))?.data, { kept: '1' })
  })

  it('F33: writes once against a manager that goes on, and names it', async () => {
    const name = uniqueName('rival')
    await using hands = await createHands(plane.kubeconfig)
    const objects = [createNamespace(name), createConfig(name, 'c', { a: '1' })]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, objects)), never)
    const path = configPath(name, 'c')
    const spoil = (n: number) =>
      kubeCall(plane, 'PATCH', `${path}?fieldManager=rival`, { data: { a: `theirs ${n}` } })
    await spoil(0)
    await until(() => hands.state(name)?.healed === 1, { deadlineMs: 10_000, what: 'the repair' })
    for (let n = 1; n <= 10; n += 1) await spoil(n)
    await until(() => hands.state(name)?.drift[0]?.fields[0]?.live === '"theirs 10"', {
      deadlineMs: 10_000,
      what: 'its last word',
    })
    assert.equal(hands.state(name)?.drift[0]?.contestedBy, 'rival')
    assert.equal(hands.state(name)?.healed, 1)
    const writes = hands.writes().filter((request) => request.path.startsWith(path))
    assert.equal(writes.length, 2, 'the first apply and one repair')
  })

  it('F31, F54: goes on watching after the API server was killed and came back', async () => {
    const name = uniqueName('restart')
    await using hands = await createHands(plane.kubeconfig)
    const objects = [createNamespace(name), createConfig(name, 'c', { a: '1' })]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, objects)), never)
    await plane.apiserver.kill()
    await plane.apiserver.start()
    await kubeCall(plane, 'PATCH', `${configPath(name, 'c')}?fieldManager=x`, { data: { a: '2' } })
    await until(async () => (await read(configPath(name, 'c')))?.data?.['a'] === '1', {
      deadlineMs: 30_000,
      what: 'the watch to see drift again',
    })
  })
})
