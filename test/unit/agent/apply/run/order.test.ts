import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compareOrder, stageOf } from '../../../../../agent/apply/run/order.ts'

const sorted = [
  'apiextensions.k8s.io/CustomResourceDefinition//tides',
  '/Namespace//shop',
  'rbac.authorization.k8s.io/ClusterRole//reader',
  'storage.k8s.io/StorageClass//fast',
  'rbac.authorization.k8s.io/ClusterRoleBinding//reader',
  '/ResourceQuota/shop/q',
  '/ServiceAccount/shop/web',
  'rbac.authorization.k8s.io/Role/shop/r',
  'rbac.authorization.k8s.io/RoleBinding/shop/r',
  '/ConfigMap/shop/a',
  '/ConfigMap/shop/b',
  '/Secret/shop/s',
  '/Service/shop/web',
  'apps/Deployment/shop/web',
  'apps/StatefulSet/shop/db',
  'batch/CronJob/shop/c',
  'policy/PodDisruptionBudget/shop/web',
  'batch/Job/shop/j',
  'sea.example.org/Tide/shop/t',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration//v',
]

describe('compareOrder', () => {
  it('puts objects in one order, however they come', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(sorted, { minLength: sorted.length }), (shuffled) => {
        assert.deepEqual([...shuffled].sort(compareOrder), sorted)
      }),
    )
  })
})

describe('stageOf', () => {
  it('takes a kind of that name in another group for an ordinary one', () => {
    assert.equal(stageOf('other.example.org/Namespace/shop/x'), 'workload')
  })
})
