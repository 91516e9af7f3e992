import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { DryRunOutcome, DryRunSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { formatObjectId, groupOf } from '@groundswell/proto/object-id.ts'
import { createDryRuns } from '../../agent/dry-run/dry-runs.ts'
import { type ControlPlane, formatKubeconfig, startControlPlane } from '../support/control-plane.ts'
import { createConfig, createDeployment, createHands, createNamespace } from '../support/hands.ts'
import { accessAs } from '../support/kube-manifest.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import {
  presentApplication,
  removedApplication,
  type TestObject,
  verifiedSnapshot,
} from '../support/verified-snapshot.ts'

const never = new AbortController().signal
const soon = { deadlineMs: 20_000, intervalMs: 100 } as const
const rbac = '/apis/rbac.authorization.k8s.io/v1'

describe('an application with a ServiceAccount on a real API server', () => {
  let plane: ControlPlane
  let directory: TempDir
  /** Of the agent, which may do everything. */
  let kubeconfig: string

  before(async () => {
    directory = await createTempDir('impersonation')
    plane = await startControlPlane({ name: 'impersonation', audit: true })
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace('agent-home'))
    await account('agent-home', 'agent')
    await kubeCall(
      plane,
      'POST',
      `${rbac}/clusterrolebindings`,
      binding('cluster-admin', 'agent-home', 'agent'),
    )
    kubeconfig = join(directory.path, 'kubeconfig')
    const access = await accessAs(plane, 'agent-home', 'agent')
    await writeFile(kubeconfig, formatKubeconfig('impersonation', access), { mode: 0o600 })
    const readable = async () =>
      (await kubeRequest(access, 'GET', '/api/v1/namespaces/default/secrets')).status === 200
    await until(readable, { ...soon, what: 'the rights of the agent' })
  })
  after(async () => {
    await plane?.stop()
    await directory?.remove()
  })

  const account = (namespace: string, name: string) =>
    kubeCall(plane, 'POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
    })
  const binding = (role: string, namespace: string, name: string) => ({
    metadata: { name: `${name}-${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  })
  const grants = (namespace: string) => `${rbac}/namespaces/${namespace}/rolebindings`
  const revoke = (namespace: string) =>
    kubeCall(plane, 'DELETE', `${grants(namespace)}/deployer-cluster-admin`)

  /** All that can be done within the namespace; returns when the API server has heard of it. */
  async function grant(namespace: string): Promise<void> {
    await kubeCall(
      plane,
      'POST',
      grants(namespace),
      binding('cluster-admin', namespace, 'deployer'),
    )
    const access = await accessAs(plane, namespace, 'deployer')
    const path = `/api/v1/namespaces/${namespace}/secrets`
    const may = async () => (await kubeRequest(access, 'GET', path)).status === 200
    await until(may, { ...soon, what: 'the rights of the application' })
  }

  async function setUp(namespace: string): Promise<void> {
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace(namespace))
    await account(namespace, 'deployer')
    await grant(namespace)
  }

  /** An agent that keeps one application of a namespace, in the name of its ServiceAccount. */
  async function begin(namespace: string) {
    const hands = await createHands(kubeconfig)
    const serviceAccount = `${namespace}/deployer`
    const path = (name: string) => `/api/v1/namespaces/${namespace}/configmaps/${name}`
    const { take } = createDryRuns({
      ...{ cluster: hands.cluster, clusterId: 'test-cluster' },
      ...{ monotonic: () => 0, timeout: () => never },
    })
    return {
      path,
      has: async (name: string) => (await kubeRequest(plane, 'GET', path(name))).status === 200,
      state: () => hands.state(namespace),
      bring: (objects: readonly TestObject[], generation = 1) => {
        const wanted = presentApplication(namespace, objects, { serviceAccount, generation })
        return hands.workloads.reconcile(verifiedSnapshot(wanted), never)
      },
      remove: (generation = 9) => {
        const gone = removedApplication(namespace, 'Delete', generation)
        return hands.workloads.reconcile(verifiedSnapshot(gone), never)
      },
      ask: (objects: readonly TestObject[], more: object = {}) =>
        take({ ...question(objects, namespace, serviceAccount), ...more }, never),
      [Symbol.asyncDispose]: () => hands[Symbol.asyncDispose](),
    }
  }

  function question(objects: readonly TestObject[], application: string, serviceAccount: string) {
    return create(DryRunSchema, {
      ...{ id: 'q', application, serviceAccount, deadlineSeconds: 10 },
      objects: objects.map(({ apiVersion, kind, metadata, ...rest }) => ({
        object: formatObjectId({
          ...{ group: groupOf(apiVersion), kind, name: metadata.name },
          namespace: metadata.namespace ?? '',
        }),
        apiVersion,
        body: Uint8Array.from(Buffer.from(JSON.stringify({ apiVersion, kind, metadata, ...rest }))),
      })),
    })
  }

  it('T31: every request that an application causes is made in its name, by the API server’s own log', async () => {
    const namespace = 'named'
    const objects = (text: string, ...more: TestObject[]) => [
      createConfig(namespace, 'one', { text }),
      createDeployment(namespace),
      createConfig(namespace, 'before', {}, { 'argocd.argoproj.io/hook': 'PreSync' }),
      createConfig(namespace, 'farewell', {}, { 'argocd.argoproj.io/hook': 'PreDelete' }),
      ...more,
    ]
    await setUp(namespace)
    {
      await using app = await begin(namespace)
      await app.bring(objects('1', createConfig(namespace, 'leaves')))
      assert.equal(app.state()?.phase, 'Applied')
      // A repair, a prune, and what is found out about a Deployment that nobody makes pods of.
      await kubeCall(plane, 'PATCH', app.path('one'), { data: { text: 'else' } })
      await until(() => app.state()?.healed === 1, { ...soon, what: 'the repair' })
      await app.bring(objects('2'), 2)
      assert.equal(await app.has('leaves'), false)
      const isLookedInto = async () =>
        (await plane.readAudit()).some(
          ({ objectRef }) => objectRef?.resource === 'pods' && objectRef.namespace === namespace,
        )
      await until(isLookedInto, { ...soon, what: 'the look at its pods' })
      const { results } = await app.ask(objects('3'))
      assert.deepEqual(results?.map(({ outcome }) => outcome).slice(0, 2), [
        DryRunOutcome.CHANGED,
        DryRunOutcome.UNCHANGED,
      ])
    }
    // What an agent that starts does not know any more it asks in that name, too.
    await using app = await begin(namespace)
    await kubeCall(plane, 'PATCH', app.path('one'), { data: { text: 'meanwhile' } })
    await app.bring(objects('2'), 2)
    await until(() => app.state()?.healed === 1, { ...soon, what: 'the second repair' })
    await app.remove()
    await until(() => app.state()?.phase === 'Removed', { ...soon, what: 'the removal' })
    assert.equal(await app.has('one'), false)

    const agent = 'system:serviceaccount:agent-home:agent'
    const mine = (await plane.readAudit()).filter(
      ({ user, objectRef }) =>
        user.username === agent &&
        (objectRef?.namespace === namespace || objectRef?.name === namespace),
    )
    const kinds = new Set(mine.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`))
    for (const kind of ['patch configmaps', 'get configmaps', 'delete configmaps', 'list pods']) {
      assert.ok(kinds.has(kind), `${kind} is among ${[...kinds].join(', ')}`)
    }
    const asked = mine.filter(({ requestURI }) => requestURI.includes('dryRun=All'))
    assert.ok(asked.length >= 3)
    const slipped = mine.filter(
      ({ impersonatedUser }) =>
        impersonatedUser?.username !== `system:serviceaccount:${namespace}:deployer`,
    )
    assert.deepEqual(
      slipped.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      [],
    )
  })

  it('T30: a dry run tells what the ServiceAccount may not do, and asks with no other rights', async () => {
    await setUp('asks')
    await using app = await begin('asks')
    const objects = [
      createConfig('asks', 'mine'),
      createConfig('default', 'others'),
      {
        ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' },
        ...binding('cluster-admin', 'asks', 'deployer'),
      } as TestObject,
    ]
    const { results } = await app.ask(objects)
    assert.deepEqual(
      results?.map(({ outcome, code }) => `${outcome} ${code}`),
      [
        `${DryRunOutcome.CREATED} `,
        `${DryRunOutcome.REFUSED} apply_forbidden`,
        `${DryRunOutcome.REFUSED} apply_forbidden`,
      ],
    )
    assert.match(results?.[1]?.message ?? '', /serviceaccount:asks:deployer/)
    const scope = {
      ...{ project: 'p', namespaces: ['shop'] },
      ...{ clusterScoped: { allow: ['*'], deny: [] }, namespaced: { allow: ['*'], deny: [] } },
    }
    const outside = await app.ask(objects, { scope: JSON.stringify(scope) })
    assert.equal(outside.code, 'outside_scope')
    const odd = await app.ask(objects, { serviceAccount: 'system:masters' })
    assert.equal(odd.code, 'dry_run_refused')
  })

  it('F40: a removal that its ServiceAccount may not carry out is refused by name, and goes on once it may', async () => {
    await setUp('leaving')
    await using app = await begin('leaving')
    await app.bring([createConfig('leaving', 'one'), createConfig('leaving', 'two')])
    const access = await accessAs(plane, 'leaving', 'deployer')
    await revoke('leaving')
    const isRevoked = async () =>
      (await kubeRequest(access, 'GET', '/api/v1/namespaces/leaving/secrets')).status === 403
    await until(isRevoked, { ...soon, what: 'the rights to be gone' })
    await app.remove()
    assert.equal(app.state()?.errors.length, 2)
    assert.equal(app.state()?.phase, 'Failed')
    for (const { code, message } of app.state()!.errors) {
      assert.match(code, /^(apply_forbidden|prune_refused)$/)
      assert.match(message, /serviceaccount:leaving:deployer/)
    }
    assert.ok((await app.has('one')) && (await app.has('two')))
    await grant('leaving')
    await until(() => app.state()?.phase === 'Removed', { ...soon, what: 'the removal' })
    assert.ok(!(await app.has('one')) && !(await app.has('two')))
  })
})
