import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRemovedApis } from '../../../../hub/policy/removed-apis.ts'

const object = (apiVersion: string, kind: string) => ({
  id: { group: apiVersion.split('/')[0]!, kind, namespace: '', name: 'x' },
  ...{ apiVersion, json: '{}', file: 'a.yaml' },
})

test('an API version the cluster no longer serves is told, with what to use', () => {
  const said = (apiVersion: string, kind: string, version: string) =>
    findRemovedApis([object(apiVersion, kind)], version).map(
      ({ action, message }) => `${action} ${message}`,
    )
  const ingress =
    'Kubernetes 1.22 and later serve no extensions/v1beta1 Ingress; use networking.k8s.io/v1'
  assert.deepEqual(said('extensions/v1beta1', 'Ingress', '1.22'), [`deny ${ingress}`])
  assert.deepEqual(said('extensions/v1beta1', 'Ingress', 'v1.35.4'), [`deny ${ingress}`])
  assert.deepEqual(said('extensions/v1beta1', 'Ingress', '1.21.9'), [])
  assert.deepEqual(said('extensions/v1beta1', 'Ingress', ''), [`warn ${ingress}`])
  assert.match(said('policy/v1beta1', 'PodDisruptionBudget', '1.30').join(), /use policy\/v1$/)
  assert.match(said('policy/v1beta1', 'PodSecurityPolicy', '1.30').join(), /Pod Security Admission/)
  assert.deepEqual(said('policy/v1beta1', 'Eviction', '1.30'), [])
  assert.deepEqual(said('apps/v1', 'Deployment', '1.35'), [])
  assert.equal(said('autoscaling/v2beta2', 'HorizontalPodAutoscaler', '1.26').length, 1)
})
