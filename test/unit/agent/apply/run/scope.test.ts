import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { groupOf } from '@groundswell/proto/object-id.ts'
import type { Scope } from '@groundswell/proto/scope.ts'
import { createWorkloads } from '../../../../../agent/apply/workloads.ts'
import { noKeys } from '../../../../../agent/secrets/keys.ts'
import { buildBundle } from '../../../../../hub/bundle/build.ts'
import { HubError } from '../../../../../hub/errors.ts'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createManualClock } from '../../../../support/manual-clock.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import {
  presentApplication,
  type TestObject,
  verifiedSnapshot,
} from '../../../../support/verified-snapshot.ts'

const scope: Scope = {
  project: 'team-a',
  namespaces: ['team-a', 'team-a-*', '*-shared'],
  clusterScoped: { allow: ['Namespace', 'widgets.example/*'], deny: ['widgets.example/Cog'] },
  namespaced: { allow: ['*'], deny: ['ResourceQuota', 'rbac.authorization.k8s.io/*'] },
}

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  namespace?: string,
): TestObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
})
const rbac = 'rbac.authorization.k8s.io/v1'

const forbidden: readonly (readonly [string, TestObject])[] = [
  ['another namespace', createConfig('team-b', 'x')],
  ['a namespace that only begins alike', createConfig('team-ab', 'x')],
  ['the system namespace', createConfig('kube-system', 'x')],
  [
    'the agent’s own namespace',
    object('v1', 'Secret', 'groundswell-agent-identity', 'groundswell-system'),
  ],
  ['a Namespace of somebody else', createNamespace('team-b')],
  ['the agent’s Namespace', createNamespace('groundswell-system')],
  ['ClusterRole', object(rbac, 'ClusterRole', 'x')],
  ['ClusterRoleBinding', object(rbac, 'ClusterRoleBinding', 'x')],
  ['a webhook', object('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'x')],
  ['a definition', object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'x.y')],
  ['Node', object('v1', 'Node', 'x')],
  ['PersistentVolume', object('v1', 'PersistentVolume', 'x')],
  ['a denied kind of the core', object('v1', 'ResourceQuota', 'x', 'team-a')],
  ['a denied group', object(rbac, 'RoleBinding', 'x', 'team-a')],
  ['a denied cluster-scoped kind', object('widgets.example/v1', 'Cog', 'x')],
]

const clusterScoped = [
  ...['ClusterRole', 'ClusterRoleBinding', 'MutatingWebhookConfiguration', 'Node'],
  ...['CustomResourceDefinition', 'PersistentVolume', 'Cog', 'Wheel'],
]

/** What an agent does with one object, and what it says of it. */
async function apply(
  one: TestObject,
  changes: Parameters<typeof presentApplication>[2] = {},
): Promise<{ errors: readonly { code: string; message: string }[]; writes: readonly string[] }> {
  const cluster = createMemoryCluster({ clusterScoped })
  const workloads = createWorkloads({
    cluster,
    keys: noKeys,
    clusterId: 'c1',
    clock: createManualClock(),
    within: (run) => run(),
    random: () => 0.5,
    log: () => {},
    onChange: () => {},
  })
  try {
    const app = presentApplication('shop', [one], { scope, ...changes })
    await workloads.reconcile(verifiedSnapshot(app), new AbortController().signal)
    const writes = cluster.calls.filter((call) => /^(apply|delete) /.test(call))
    return { errors: workloads.states()[0]!.errors, writes }
  } finally {
    await workloads.close()
  }
}

/** What the hub says of rendered objects. */
function findHubFaults(one: TestObject, targetNamespace = 'team-a'): readonly string[] {
  const { name, namespace = '' } = one.metadata
  const id = { group: groupOf(one.apiVersion), kind: one.kind, namespace, name }
  const rendered = { id, apiVersion: one.apiVersion, json: JSON.stringify(one), file: 'x.yaml' }
  try {
    buildBundle([rendered], {
      application: 'shop',
      targetNamespace,
      prune: true,
      allowEmpty: false,
      drift: 'correct',
      deletionPolicy: 'Delete',
      scope,
    })
    return []
  } catch (error) {
    assert.ok(error instanceof HubError)
    return error.faults.map(({ file, object, message }) => `${file}: ${object}: ${message}`)
  }
}

describe('an application in a project', () => {
  for (const [what, one] of forbidden) {
    it(`T30, I5: is refused ${what} by the hub, and by the agent of a hub that did not look`, async () => {
      const [fault, ...more] = findHubFaults(one, '')
      assert.match(
        fault ?? 'no fault',
        /^x\.yaml: Application shop: .*Project team-a does not allow/,
      )
      assert.deepEqual(more, [])
      const { errors, writes } = await apply(one)
      assert.deepEqual(
        errors.map(({ code }) => code),
        ['outside_scope'],
      )
      assert.ok(fault!.endsWith(errors[0]!.message), errors[0]!.message)
      assert.deepEqual(
        writes.filter((call) => !call.includes('groundswell-system')),
        [],
      )
    })
  }

  it('may have what its project allows', async () => {
    const allowed = [
      createNamespace('team-a-dev'),
      object('widgets.example/v1', 'Wheel', 'x'),
      createNamespace('all-shared'),
    ]
    for (const one of allowed) {
      assert.deepEqual(findHubFaults(one), [])
      const { errors, writes } = await apply(one)
      assert.deepEqual([errors, writes.length > 0], [[], true])
    }
  })

  it('T30: goes by what an object is applied as, not by what the manifest lists it as', async () => {
    const one = object(rbac, 'RoleBinding', 'x', 'team-a')
    const app = presentApplication('shop', [one])
    const objects = app.manifest.objects.map((entry) => ({ ...entry, id: '/RoleBinding/team-a/x' }))
    const { errors } = await apply(one, { objects })
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['outside_scope'],
    )
  })

  it('is told by the agent where only the cluster knows if a kind lives in namespaces', async () => {
    const wheel = object('other.example/v1', 'Wheel', 'x')
    assert.deepEqual(findHubFaults(wheel), [])
    assert.match(findHubFaults(wheel, '')[0] ?? '', /does not allow the kind other.example\/Wheel/)
    const { errors } = await apply(wheel, { targetNamespace: 'team-a' })
    assert.equal(errors[0]?.code, 'outside_scope')
  })

  it('is held to the namespace it is given when its objects name none', async () => {
    const { errors } = await apply(object('v1', 'ConfigMap', 'x'), {
      targetNamespace: 'kube-system',
    })
    assert.match(errors[0]?.message ?? '', /ConfigMap kube-system\/x: .*namespace "kube-system"/)
  })
})
