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

describe('workloads on a real API server', () => {
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
    plane = await startControlPlane({ name: 'workloads' })
  })
  after(() => plane?.stop())

  it('F36: applies a definition and its resource from one manifest', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const app = presentApplication('staged', [
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'tides.sea.example.org' },
        spec: {
          group: 'sea.example.org',
          names: { kind: 'Tide', plural: 'tides' },
          scope: 'Namespaced',
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  properties: {
                    spec: { type: 'object', properties: { height: { type: 'integer' } } },
                  },
                },
              },
            },
          ],
        },
      },
      createNamespace('staged'),
      {
        apiVersion: 'sea.example.org/v1',
        kind: 'Tide',
        metadata: { name: 'spring', namespace: 'staged' },
        spec: { height: 7 },
      },
    ])
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const state = hands.state('staged')
    assert.deepEqual(state?.errors, [])
    assert.equal(state?.phase, 'Applied')
    assert.equal(state?.health, 'Current')
    assert.equal(state?.readyObjects, 3)
    assert.ok(await read('/apis/sea.example.org/v1/namespaces/staged/tides/spring'))
  })

  it('sends nothing at all for what is in sync, and one object for one change', async () => {
    const name = uniqueName('sync')
    const objects = [
      createNamespace(name),
      ...[1, 2, 3].map((n) => createConfig(name, `c${n}`, { a: `${n}` })),
    ]
    {
      await using hands = await createHands(plane.kubeconfig)
      await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, objects)), never)
      hands.requests.length = 0
      const again = presentApplication(name, objects, { generation: 2 })
      await hands.workloads.reconcile(verifiedSnapshot(again), never)
      assert.equal(hands.requests.length, 0)

      const changed = [...objects.slice(0, 3), createConfig(name, 'c3', { a: 'changed' })]
      await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, changed)), never)
      const paths = hands.requests.map(
        ({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`,
      )
      assert.deepEqual(paths, [
        `PATCH ${configPath(name, 'c3')}`,
        `PATCH ${configPath('groundswell-system', `groundswell-inventory-${name}`)}`,
      ])
      assert.equal((await read(configPath(name, 'c3')))?.data?.['a'], 'changed')
    }
    // A restarted agent reads lists and its inventory, and writes nothing.
    await using restarted = await createHands(plane.kubeconfig)
    const changed = [...objects.slice(0, 3), createConfig(name, 'c3', { a: 'changed' })]
    await restarted.workloads.reconcile(verifiedSnapshot(presentApplication(name, changed)), never)
    await until(() => restarted.state(name)?.health === 'Current', {
      deadlineMs: 5_000,
      what: 'health after a restart',
    })
    assert.deepEqual(restarted.writes(), [])
    const reads = restarted.requests.filter(({ path }) =>
      /configmaps\/c\d|namespaces\/sync-\d+$/.test(path),
    )
    assert.deepEqual(reads, [])
  })

  it('prunes what left the manifest, but not what is guarded', async () => {
    const name = uniqueName('prune')
    await using hands = await createHands(plane.kubeconfig)
    const keep = createConfig(name, 'keep', {}, { 'groundswell.dev/prune': 'disabled' })
    const first = [
      createNamespace(name),
      createConfig(name, 'stays', {}),
      createConfig(name, 'goes', {}),
      keep,
    ]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, first)), never)
    await hands.workloads.reconcile(
      verifiedSnapshot(presentApplication(name, first.slice(0, 2))),
      never,
    )
    assert.equal(await read(configPath(name, 'goes')), undefined)
    assert.ok(await read(configPath(name, 'stays')))
    const kept = await read(configPath(name, 'keep'))
    assert.equal(kept?.metadata.labels?.['groundswell.dev/application'], undefined)
  })

  it('F42, F55: holds many deletions and that of a namespace until they are confirmed', async () => {
    const name = uniqueName('held')
    await using hands = await createHands(plane.kubeconfig)
    const configs = Array.from({ length: 8 }, (_, index) => createConfig(name, `c${index}`))
    const go = async (objects: readonly TestObject[], confirmed: readonly string[] = []) => {
      const prune = { enabled: true, allowEmpty: false, confirmed }
      const app = presentApplication(name, objects, { prune })
      await hands.workloads.reconcile(verifiedSnapshot(app), never)
      return hands.state(name)?.errors.map(({ code, message }) => ({ code, message })) ?? []
    }
    const isThere = async () => [
      Boolean(await read(configPath(name, 'c7'))),
      Boolean(await read(`/api/v1/namespaces/${name}`)),
    ]
    await go([createNamespace(name), ...configs])
    const [many] = await go([createNamespace(name), configs[0]!])
    assert.equal(many?.code, 'prune_held')
    assert.deepEqual(await isThere(), [true, true])
    const asked = /confirmPrune: \[(sha256:[0-9a-f]+)\]/.exec(many.message)![1]!
    assert.deepEqual(await go([createNamespace(name), configs[0]!], [asked]), [])
    assert.deepEqual(await isThere(), [false, true])
    const [precious] = await go([configs[0]!], [asked])
    assert.match(
      precious?.message ?? '',
      /Namespace held-\d+ is not deleted: everything in it goes/,
    )
    assert.deepEqual(await isThere(), [false, true])
  })

  it('prunes nothing when an object failed or the manifest came out empty', async () => {
    const name = uniqueName('bar')
    await using hands = await createHands(plane.kubeconfig)
    const objects = [
      createNamespace(name),
      createConfig(name, 'one', {}),
      createConfig(name, 'two', {}),
    ]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, objects)), never)

    const broken = { ...createConfig(name, 'broken', {}), nonsense: true }
    const failing = presentApplication(name, [...objects.slice(0, 2), broken])
    await hands.workloads.reconcile(verifiedSnapshot(failing), never)
    assert.ok(await read(configPath(name, 'two')))
    const [error] = hands.state(name)?.errors ?? []
    assert.equal(error?.code, 'apply_invalid')
    assert.equal(error?.object, `/ConfigMap/${name}/broken`)
    assert.equal(error?.file, 'broken.yaml')
    assert.match(error?.message ?? '', /nonsense/)

    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, [])), never)
    assert.ok(await read(configPath(name, 'one')))
    assert.equal(hands.state(name)?.errors[0]?.code, 'prune_refused')
  })

  it('F46: keeps a namespace that holds what is not its own: of others, or of another application', async () => {
    const name = uniqueName('occupied')
    await using hands = await createHands(plane.kubeconfig)
    const both = [createNamespace(name), createConfig(name, 'ours', {})]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, both)), never)
    await kubeCall(plane, 'POST', `/api/v1/namespaces/${name}/configmaps`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'theirs' },
    })
    await hands.workloads.reconcile(verifiedSnapshot(removedApplication(name)), never)
    assert.equal(await read(configPath(name, 'ours')), undefined)
    assert.ok(!(await read(`/api/v1/namespaces/${name}`))?.metadata.deletionTimestamp)
    const [error] = hands.state(name)?.errors ?? []
    assert.equal(error?.code, 'prune_refused')
    assert.match(error?.message ?? '', /theirs/)
    assert.equal(hands.state(name)?.phase, 'Failed')

    // It goes once it is empty, and not before: here another application is still in it.
    const other = presentApplication(`${name}-guest`, [createConfig(name, 'guest', {})])
    await hands.workloads.reconcile(verifiedSnapshot(other, removedApplication(name)), never)
    await kubeCall(plane, 'DELETE', configPath(name, 'theirs'))
    await hands.workloads.reconcile(verifiedSnapshot(other, removedApplication(name)), never)
    assert.match(hands.state(name)?.errors[0]?.message ?? '', /still holds .*guest/)
    assert.ok(await read(configPath(name, 'guest')))
    assert.ok(!(await read(`/api/v1/namespaces/${name}`))?.metadata.deletionTimestamp)
  })

  it('F44: hands an object over to another application without deleting it', async () => {
    const name = uniqueName('move')
    await using hands = await createHands(plane.kubeconfig)
    const [from, to] = [`${name}-a`, `${name}-b`]
    const moving = createConfig(name, 'moving', { a: '1' })
    await hands.workloads.reconcile(
      verifiedSnapshot(
        presentApplication(from, [createNamespace(name), moving]),
        presentApplication(to, [createConfig(name, 'other', {})]),
      ),
      never,
    )
    await until(() => hands.state(to)?.phase === 'Applied', { deadlineMs: 10_000, what: 'both' })
    const before = await read(configPath(name, 'moving'))
    await hands.workloads.reconcile(
      verifiedSnapshot(
        presentApplication(from, [createNamespace(name)]),
        presentApplication(to, [createConfig(name, 'other', {}), moving]),
      ),
      never,
    )
    const after = await read(configPath(name, 'moving'))
    assert.equal(after?.metadata.uid, before?.metadata.uid)
    assert.equal(after?.metadata.labels?.['groundswell.dev/application'], to)
    // The whole application is removed while another takes its object in the same snapshot.
    await hands.workloads.reconcile(
      verifiedSnapshot(
        presentApplication(from, [createNamespace(name), moving]),
        removedApplication(to),
      ),
      never,
    )
    const back = await read(configPath(name, 'moving'))
    assert.equal(back?.metadata.uid, before?.metadata.uid)
    assert.equal(back?.metadata.labels?.['groundswell.dev/application'], from)
    assert.equal(await read(configPath(name, 'other')), undefined)
  })

  it('F45: refuses the second of two applications that claim one object, and names the first', async () => {
    const name = uniqueName('claim')
    await using hands = await createHands(plane.kubeconfig)
    const shared = createConfig(name, 'shared', { by: 'a' })
    const a = presentApplication(`${name}-a`, [createNamespace(name), shared])
    await hands.workloads.reconcile(verifiedSnapshot(a), never)
    const b = presentApplication(`${name}-b`, [createConfig(name, 'shared', { by: 'b' })])
    await hands.workloads.reconcile(verifiedSnapshot(b, a), never)
    const [error] = hands.state(`${name}-b`)?.errors ?? []
    assert.equal(error?.code, 'owned_by_other')
    assert.match(error?.message ?? '', new RegExp(`${name}-a`))
    assert.equal((await read(configPath(name, 'shared')))?.data?.['by'], 'a')
    assert.equal(hands.state(`${name}-a`)?.phase, 'Applied')
  })

  it('F34: names the object, file and reason when a field is immutable, and goes on with the rest', async () => {
    const name = uniqueName('immutable')
    await using hands = await createHands(plane.kubeconfig)
    const job = (image: string, annotations = {}): TestObject => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'once', namespace: name, annotations },
      spec: {
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image }] } },
      },
    })
    await hands.workloads.reconcile(
      verifiedSnapshot(presentApplication(name, [createNamespace(name), job('a:1')])),
      never,
    )
    await hands.workloads.reconcile(
      verifiedSnapshot(
        presentApplication(name, [
          createNamespace(name),
          job('a:2'),
          createConfig(name, 'rest', {}),
        ]),
      ),
      never,
    )
    const [error] = hands.state(name)?.errors ?? []
    assert.equal(error?.object, `batch/Job/${name}/once`)
    assert.equal(error?.file, 'once.yaml')
    assert.equal(error?.code, 'apply_invalid')
    assert.match(error?.message ?? '', /immutable/)
    assert.ok(await read(configPath(name, 'rest')))

    const old = await read(`/apis/batch/v1/namespaces/${name}/jobs/once`)
    const replace = job('a:2', { 'groundswell.dev/replace': 'enabled' })
    await hands.workloads.reconcile(
      verifiedSnapshot(
        presentApplication(name, [createNamespace(name), replace, createConfig(name, 'rest', {})]),
      ),
      never,
    )
    assert.deepEqual(hands.state(name)?.errors, [])
    const made = await read(`/apis/batch/v1/namespaces/${name}/jobs/once`)
    assert.notEqual(made?.metadata.uid, old?.metadata.uid)
  })

  it('removes an application by its tombstone, or only takes its marks off', async () => {
    const name = uniqueName('tomb')
    await using hands = await createHands(plane.kubeconfig)
    const objects = [createNamespace(name), createConfig(name, 'c', { a: '1' })]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, objects)), never)
    await hands.workloads.reconcile(verifiedSnapshot(removedApplication(name, 'Orphan')), never)
    const orphan = await read(configPath(name, 'c'))
    assert.equal(orphan?.data?.['a'], '1')
    assert.equal(orphan?.metadata.labels?.['groundswell.dev/application'], undefined)
    assert.equal(hands.state(name)?.phase, 'Removed')
    const again = presentApplication(name, objects, { generation: 3 })
    await hands.workloads.reconcile(verifiedSnapshot(again), never)
    await hands.workloads.reconcile(verifiedSnapshot(removedApplication(name, 'Delete', 4)), never)
    assert.equal(await read(configPath(name, 'c')), undefined)
    assert.ok((await read(`/api/v1/namespaces/${name}`))?.metadata.deletionTimestamp)
    assert.deepEqual(hands.state(name)?.errors, [])
    const inventory = configPath('groundswell-system', `groundswell-inventory-${name}`)
    assert.equal(await read(inventory), undefined)
  })

  it('leaves alone an application a snapshot does not list', async () => {
    const name = uniqueName('absent')
    await using hands = await createHands(plane.kubeconfig)
    const objects = [createNamespace(name), createConfig(name, 'c', { a: '1' })]
    await hands.workloads.reconcile(verifiedSnapshot(presentApplication(name, objects)), never)
    hands.requests.length = 0
    await hands.workloads.reconcile(verifiedSnapshot(), never)
    assert.deepEqual(hands.writes(), [])
    assert.ok(await read(configPath(name, 'c')))
  })

  it('I5, T30: writes what a project allows, refuses the rest by the scope the manifest carries, and prunes nothing', async () => {
    const name = uniqueName('tenant')
    await using hands = await createHands(plane.kubeconfig)
    const scope = {
      project: 'team-a',
      namespaces: [name],
      clusterScoped: { allow: ['Namespace'], deny: [] },
      namespaced: { allow: ['*'], deny: ['rbac.authorization.k8s.io/*'] },
    }
    const rbac = 'rbac.authorization.k8s.io/v1'
    const kept = [createNamespace(name), createConfig(name, 'before', {})]
    const before = presentApplication(name, kept, { scope })
    await hands.workloads.reconcile(verifiedSnapshot(before), never)
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' }
    const objects = [
      createNamespace(name),
      createConfig(name, 'mine', { a: '1' }),
      createConfig('kube-system', name, {}),
      { apiVersion: rbac, kind: 'ClusterRoleBinding', metadata: { name }, roleRef },
      { apiVersion: rbac, kind: 'RoleBinding', metadata: { name, namespace: name }, roleRef },
    ]
    hands.requests.length = 0
    const app = presentApplication(name, objects, { scope, generation: 2 })
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    assert.deepEqual(
      hands
        .state(name)
        ?.errors.map(({ code, object }) => `${code} ${object}`)
        .sort(),
      [
        `outside_scope /ConfigMap/kube-system/${name}`,
        `outside_scope rbac.authorization.k8s.io/ClusterRoleBinding//${name}`,
        `outside_scope rbac.authorization.k8s.io/RoleBinding/${name}/${name}`,
      ],
    )
    assert.equal((await read(configPath(name, 'mine')))?.data?.['a'], '1')
    assert.ok(await read(configPath(name, 'before')), 'pruned although an object was refused')
    assert.equal(await read(configPath('kube-system', name)), undefined)
    const forbidden = hands.writes().filter(({ path }) => /kube-system|rbac/.test(path))
    assert.deepEqual(forbidden, [])
  })
})
