import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { LiveObject } from '../../agent/cluster/port.ts'
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
type Config = LiveObject & { readonly data?: Record<string, string> }
type Changes = Parameters<typeof presentApplication>[2]

describe('applying to a real API server', () => {
  let plane: ControlPlane
  let count = 0
  const configPath = (namespace: string, name: string) =>
    `/api/v1/namespaces/${namespace}/configmaps/${name}`
  const read = async (path: string) => {
    const { status, body } = await kubeRequest(plane, 'GET', path)
    return status === 200 ? (body as Config) : undefined
  }
  /** An application of its own name and namespace, and hands to bring it. */
  const begin = async (stem: string) => {
    const name = `${stem}-${(count += 1)}`
    const hands = await createHands(plane.kubeconfig)
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace(name))
    return {
      name,
      hands,
      path: (config: string) => configPath(name, config),
      bring: async (objects: readonly TestObject[], changes: Changes = {}) => {
        const app = presentApplication(name, objects, changes)
        await hands.workloads.reconcile(verifiedSnapshot(app), never)
        return hands.state(name)!
      },
      [Symbol.asyncDispose]: () => hands[Symbol.asyncDispose](),
    }
  }
  /** As `kubectl apply` without `--server-side` leaves it. */
  const applyClientSide = (config: TestObject) => {
    const { annotations = {}, ...metadata } = config.metadata
    const note = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config) }
    return kubeCall<Config>(
      plane,
      'POST',
      `/api/v1/namespaces/${metadata.namespace}/configmaps?fieldManager=kubectl-client-side-apply`,
      {
        ...config,
        metadata: { ...metadata, annotations: { ...(annotations as object), ...note } },
      },
    )
  }

  before(async () => {
    plane = await startControlPlane({ name: 'apply' })
  })
  after(() => plane?.stop())

  describe('an object that is there already', () => {
    it('is taken over, and what a client-side apply put into it goes when Git drops it', async () => {
      await using app = await begin('adopt')
      await applyClientSide(createConfig(app.name, 'old', { kept: '1', dropped: '1' }))
      await kubeCall(plane, 'PATCH', `${app.path('old')}?fieldManager=other`, {
        data: { foreign: '1' },
      })
      const state = await app.bring([createConfig(app.name, 'old', { kept: '1' })])
      assert.deepEqual(state.errors, [])
      const live = await read(app.path('old'))
      assert.deepEqual(live?.data, { kept: '1', foreign: '1' })
      assert.deepEqual(Object.keys(live.metadata.annotations ?? {}), ['groundswell.dev/cluster'])
      const managers = live.metadata.managedFields?.map(({ manager }) => manager).sort()
      assert.deepEqual(managers, ['groundswell', 'other'])
      // Ours now, so that nothing is drift and the next change is one write.
      await app.bring([createConfig(app.name, 'old', { kept: '2' })])
      assert.deepEqual((await read(app.path('old')))?.data, { kept: '2', foreign: '1' })
    })

    it('gives up what was applied before managers were written down, and nothing else', async () => {
      await using app = await begin('ancient')
      await applyClientSide(createConfig(app.name, 'old', { kept: '1', dropped: '1' }))
      await kubeCall(plane, 'PATCH', app.path('old'), { data: { foreign: '1' } })
      await kubeCall(plane, 'PATCH', app.path('old'), { metadata: { managedFields: [{}] } })
      const state = await app.bring([createConfig(app.name, 'old', { kept: '1' })])
      assert.deepEqual(state.errors, [])
      assert.deepEqual((await read(app.path('old')))?.data, { kept: '1', foreign: '1' })
    })

    it('keeps fields of kubectl when its author says merge', async () => {
      await using app = await begin('merge')
      await applyClientSide(createConfig(app.name, 'old', { kept: '1', theirs: '1' }))
      const merge = { 'kustomize.toolkit.fluxcd.io/ssa': 'Merge' }
      await app.bring([createConfig(app.name, 'old', { kept: '2' }, merge)])
      assert.deepEqual((await read(app.path('old')))?.data, { kept: '2', theirs: '1' })
    })

    it('is left alone under adoption: Never, with its managers named', async () => {
      await using app = await begin('refuse')
      await applyClientSide(createConfig(app.name, 'old', { a: '1' }))
      const objects = [createConfig(app.name, 'old', { a: '1' }), createConfig(app.name, 'new')]
      const { errors, phase } = await app.bring(objects, { adoption: 'Never' })
      assert.equal(phase, 'Failed')
      assert.equal(errors[0]?.code, 'adoption_refused')
      assert.match(errors[0].message, /old is there already, of kubectl-client-side-apply/)
      assert.equal((await read(app.path('old')))?.metadata.labels, undefined)
      assert.ok(await read(app.path('new')))
      // What is ours is not adopted again.
      await kubeCall(plane, 'DELETE', app.path('old'))
      assert.equal(
        (await app.bring(objects, { adoption: 'Never', generation: 2 })).phase,
        'Applied',
      )
    })

    it('is taken over under adoption: IfNoDiff only when that changes nothing', async () => {
      await using app = await begin('nodiff')
      await applyClientSide(createConfig(app.name, 'same', { a: '1' }))
      await applyClientSide(createConfig(app.name, 'other', { a: '1' }))
      const { errors } = await app.bring(
        [createConfig(app.name, 'same', { a: '1' }), createConfig(app.name, 'other', { a: '2' })],
        { adoption: 'IfNoDiff' },
      )
      assert.deepEqual(
        errors.map(({ object }) => object),
        [`/ConfigMap/${app.name}/other`],
      )
      assert.match(errors[0]?.message ?? '', /IfNoDiff: \/data\/a \("1" → "2"\)/)
      assert.ok((await read(app.path('same')))?.metadata.labels?.['groundswell.dev/application'])

      // A take-over would have what kubectl applied and Git has not go.
      await applyClientSide(createConfig(app.name, 'more', { a: '1', b: '2' }))
      const more = await app.bring([createConfig(app.name, 'more', { a: '1' })], {
        adoption: 'IfNoDiff',
        generation: 2,
      })
      assert.match(more.errors[0]?.message ?? '', /IfNoDiff: \/data\/b \("2" → not set\)/)
      assert.deepEqual((await read(app.path('more')))?.data, { a: '1', b: '2' })
      assert.deepEqual((await read(app.path('other')))?.data, { a: '1' })
    })

    it('is made once and then left when its author says so', async () => {
      await using app = await begin('once')
      const once = { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' }
      await kubeCall(
        plane,
        'POST',
        configPath(app.name, '').slice(0, -1),
        createConfig(app.name, 'theirs', { a: 'theirs' }),
      )
      const bring = (text: string) =>
        app.bring([
          createConfig(app.name, 'theirs', { a: text }, once),
          createConfig(app.name, 'made', { a: text }, once),
        ])
      assert.equal((await bring('1')).phase, 'Applied')
      await kubeCall(plane, 'PATCH', app.path('made'), { data: { a: 'edited' } })
      const state = await bring('2')
      assert.deepEqual([state.phase, state.driftedObjects, state.healed], ['Applied', 0, 0])
      assert.deepEqual((await read(app.path('theirs')))?.data, { a: 'theirs' })
      assert.deepEqual((await read(app.path('made')))?.data, { a: 'edited' })
      await until(() => app.hands.state(app.name)?.health === 'Current', {
        deadlineMs: 10_000,
        what: 'health',
      })
    })
  })

  describe('a field that cannot change', () => {
    const claim = (namespace: string, mode: string, notes = {}): TestObject => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace, annotations: notes },
      spec: { accessModes: [mode], resources: { requests: { storage: '1Gi' } } },
    })
    const job = (namespace: string, image: string): TestObject => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'once', namespace },
      spec: {
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image }] } },
      },
    })

    it('F34: is named with both values and what to do', async () => {
      await using app = await begin('immutable')
      await app.bring([job(app.name, 'a:1')])
      const [error] = (await app.bring([job(app.name, 'a:2')])).errors
      assert.equal(error?.code, 'apply_invalid')
      assert.match(
        error.message,
        /Job .*once: spec\.template\.spec\.containers\[0\]\.image is immutable \(it is "a:1" and cannot become "a:2"\)/,
      )
      assert.match(error.message, /replace: \[\{ kind: Job, name: once \}\]/)
    })

    it('F34: replaces what says otherwise that it cannot change: a role of a binding, a Service’s address', async () => {
      await using app = await begin('replaced')
      const rbac = 'rbac.authorization.k8s.io'
      const bring = (role: string, clusterIP: string, annotations = {}) => {
        const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name: role }
        const named = (name: string) => ({ name, namespace: app.name, annotations })
        return app.bring([
          { apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata: named('binding'), roleRef },
          {
            ...{ apiVersion: 'v1', kind: 'Service', metadata: named('address') },
            spec: { clusterIP, ports: [{ port: 80 }] },
          },
        ])
      }
      await bring('view', '127.96.7.1')
      const { errors } = await bring('edit', '127.96.7.2')
      const words = errors.map(({ message }) => message).join()
      assert.match(words, /roleRef\.name is immutable \(it is "view" and cannot become "edit"\)/)
      assert.match(words, /spec\.clusterIP.*is immutable.*replace: \[\{ kind: Service/)
      const replaced = await bring('edit', '127.96.7.2', { 'groundswell.dev/replace': 'enabled' })
      assert.deepEqual(replaced.errors, [])
      const address = await read(`/api/v1/namespaces/${app.name}/services/address`)
      assert.match(JSON.stringify(address?.['spec']), /"clusterIP":"127\.96\.7\.2"/)
    })

    it('costs nobody an object whose successor would be refused', async () => {
      await using app = await begin('probe')
      const replace = (one: TestObject): TestObject => ({
        ...one,
        metadata: { ...one.metadata, annotations: { 'groundswell.dev/replace': 'enabled' } },
      })
      await app.bring([replace(job(app.name, 'a:1'))])
      const path = `/apis/batch/v1/namespaces/${app.name}/jobs/once`
      const { uid } = (await read(path))!.metadata
      const bad = JSON.parse(JSON.stringify(job(app.name, 'a:2')).replace('"Never"', '"Always"'))
      assert.equal((await app.bring([replace(bad as TestObject)])).phase, 'Failed')
      assert.equal((await read(path))?.metadata.uid, uid)
      await app.bring([replace(job(app.name, 'a:2'))])
      assert.notEqual((await read(path))?.metadata.uid, uid)
    })

    it('of a claim to data is replaced only when the Application confirms just that', async () => {
      await using app = await begin('claim')
      const path = `/api/v1/namespaces/${app.name}/persistentvolumeclaims/data`
      const notes = { 'groundswell.dev/replace': 'enabled' }
      await app.bring([claim(app.name, 'ReadWriteOnce', notes)])
      const { uid } = (await read(path))!.metadata
      const changed = [claim(app.name, 'ReadWriteMany', notes)]
      const [error] = (await app.bring(changed)).errors
      assert.equal(error?.code, 'prune_held')
      assert.equal((await read(path))?.metadata.uid, uid)
      const confirmed = /confirmPrune: \[(sha256:[0-9a-f]{64})\]/.exec(error.message)?.[1] ?? ''
      // Its finalizer is taken off by a controller that is not here.
      const bringing = app.bring(changed, {
        prune: { enabled: true, allowEmpty: false, confirmed: [confirmed] },
        generation: 2,
      })
      await until(async () => (await read(path))?.metadata.deletionTimestamp, {
        deadlineMs: 10_000,
        what: 'deletion',
      })
      await kubeCall(plane, 'PATCH', path, { metadata: { finalizers: null } })
      assert.deepEqual((await bringing).errors, [])
      assert.notEqual((await read(path))?.metadata.uid, uid)
    })
  })

  it('runs a hook as a Job, waits for it, and applies the rest then', async () => {
    await using app = await begin('hooks')
    const hook: TestObject = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        ...{ name: 'migrate', namespace: app.name },
        annotations: { 'helm.sh/hook': 'pre-install,pre-upgrade' },
      },
      spec: {
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'm', image: 'm:1' }] } },
      },
    }
    const state = await app.bring([createConfig(app.name, 'late'), hook])
    assert.equal(state.waiting, `pre hook Job ${app.name}/migrate has not ended`)
    assert.equal(await read(app.path('late')), undefined)
    const path = `/apis/batch/v1/namespaces/${app.name}/jobs/migrate`
    const now = new Date().toISOString()
    await kubeCall(plane, 'PATCH', `${path}/status`, {
      status: {
        ...{ startTime: now, completionTime: now, succeeded: 1 },
        conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({ type, status: 'True' })),
      },
    })
    await until(() => app.hands.state(app.name)?.phase === 'Applied', {
      deadlineMs: 10_000,
      what: 'the rest',
    })
    assert.ok(await read(app.path('late')))
  })

  it('names the finalizers a deletion waits for, and calls it done when it is', async () => {
    await using app = await begin('finalizer')
    const stuck = createConfig(app.name, 'stuck')
    const held = { ...stuck, metadata: { ...stuck.metadata, finalizers: ['example.org/slow'] } }
    await app.bring([held, createConfig(app.name, 'other')])
    await app.bring([createConfig(app.name, 'other', { a: '1' })])
    const state = app.hands.state(app.name)
    assert.equal(state?.phase, 'Applying')
    assert.match(state.waiting ?? '', /ConfigMap .*stuck waits for finalizers example\.org\/slow/)
    // What else there is went through.
    assert.deepEqual((await read(app.path('other')))?.data, { a: '1' })
    await kubeCall(plane, 'PATCH', app.path('stuck'), { metadata: { finalizers: null } })
    await until(() => app.hands.state(app.name)?.phase === 'Applied', {
      deadlineMs: 10_000,
      what: 'the deletion',
    })
  })

  it('F40: writes with the rights of the ServiceAccount an Application names, as long as it has them', async () => {
    await using app = await begin('account')
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${app.name}`
    await kubeCall(plane, 'POST', `${rbac}/roles`, {
      metadata: { name: 'configs' },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }],
    })
    await kubeCall(plane, 'POST', `${rbac}/rolebindings`, {
      metadata: { name: 'configs' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'configs' },
      subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: app.name }],
    })
    const secret: TestObject = {
      ...{ apiVersion: 'v1', kind: 'Secret' },
      metadata: { name: 'keys', namespace: app.name },
    }
    const account = { serviceAccount: `${app.name}/deployer` }
    const { errors } = await app.bring([createConfig(app.name, 'mine'), secret], account)
    assert.deepEqual(
      errors.map(({ object, code }) => `${object} ${code}`),
      [`/Secret/${app.name}/keys apply_forbidden`],
    )
    assert.match(
      errors[0]?.message ?? '',
      new RegExp(`^as ServiceAccount ${app.name}/deployer: Secret`),
    )
    assert.ok(await read(app.path('mine')))
    assert.equal(await read(`/api/v1/namespaces/${app.name}/secrets/keys`), undefined)
    // Without any rights nothing is written, pruned or forgotten; an error for each object.
    await kubeCall(plane, 'DELETE', `${rbac}/rolebindings/configs`)
    await until(
      async () => {
        const changed = createConfig(app.name, 'mine', { text: String(Math.random()) })
        const { errors } = await app.bring([changed, createConfig(app.name, 'other')], account)
        return errors.length === 2 && errors.every(({ code }) => code === 'apply_forbidden')
      },
      { deadlineMs: 10_000, what: 'every object to be refused' },
    )
    assert.ok(await read(app.path('mine')))
  })

  it('F38: names an object that is too large for the API server, and applies the others', async () => {
    await using app = await begin('large')
    const large = createConfig(app.name, 'large', { text: 'x'.repeat(1_100_000) })
    const fits = createConfig(app.name, 'fits', { text: 'x'.repeat(900_000) })
    const noted = createConfig(app.name, 'noted', {}, { note: 'x'.repeat(300_000) })
    const { errors } = await app.bring([large, fits, noted])
    assert.deepEqual(errors.map(({ object, file, code }) => `${object} ${file} ${code}`).sort(), [
      `/ConfigMap/${app.name}/large large.yaml apply_invalid`,
      `/ConfigMap/${app.name}/noted noted.yaml apply_invalid`,
    ])
    for (const { message } of errors) {
      assert.match(message, /too long|Too long/i)
      assert.ok(message.length < 2_000)
    }
    assert.ok(await read(app.path('fits')))
  })

  it('keeps an ApplySet as KEP-3659 has it, grown before and shrunk after', async () => {
    await using app = await begin('set')
    await app.bring([createConfig(app.name, 'one'), createConfig(app.name, 'two')])
    const parent = `/api/v1/namespaces/groundswell-system/configmaps/groundswell-inventory-${app.name}`
    const { labels, annotations } = (await read(parent))!.metadata
    const id = labels?.['applyset.kubernetes.io/id']
    assert.match(id ?? '', /^applyset-[A-Za-z0-9_-]{43}-v1$/)
    assert.equal(annotations?.['applyset.kubernetes.io/contains-group-kinds'], 'ConfigMap')
    assert.equal(annotations['applyset.kubernetes.io/additional-namespaces'], app.name)
    const members = await kubeCall<{ items: readonly LiveObject[] }>(
      plane,
      'GET',
      `/api/v1/configmaps?labelSelector=applyset.kubernetes.io/part-of=${id}`,
    )
    assert.deepEqual(members.items.map(({ metadata }) => metadata.name).sort(), ['one', 'two'])
    const orphan = removedApplication(app.name, 'Orphan')
    await app.hands.workloads.reconcile(verifiedSnapshot(orphan), never)
    assert.equal((await read(app.path('one')))?.metadata.labels, undefined)
    assert.equal(await read(parent), undefined)
  })
})
