import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameClusters } from '../../demo/given-clusters.ts'

test('context names become names the fleet repository accepts', () => {
  assert.deepEqual(nameClusters(['kind-dev', 'admin@My_Cluster.example']), [
    'kind-dev',
    'admin-my-cluster-example',
  ])
})

test('contexts that look alike become clusters that do not', () => {
  assert.deepEqual(nameClusters(['a/b', 'a.b', 'a b']), ['a-b', 'a-b-2', 'a-b-3'])
})

test('a long context keeps its end, which is what tells it from others', () => {
  const [name] = nameClusters([`arn:aws:eks:${'x'.repeat(60)}:cluster/prod`])
  assert.match(name!, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
  assert.match(name!, /cluster-prod$/)
})

test('a context without a single letter or digit still gets a name', () => {
  assert.deepEqual(nameClusters(['***', '___']), ['cluster', 'cluster-2'])
})
