import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../hub/fleet/load.ts'
import { listGroupMembers } from '../../../../hub/fleet/group.ts'
import { toRenderInput } from '../../../../hub/fleet/render-input.ts'
import { toSourceSpec } from '../../../../hub/fleet/repository-spec.ts'
import { resolveTargets } from '../../../../hub/fleet/resolve.ts'

const clusters = `
apiVersion: groundswell.dev/v1alpha1
kind: Cluster
metadata: { name: eu-1, labels: { region: eu, tier: canary } }
spec: {}
---
apiVersion: groundswell.dev/v1alpha1
kind: Cluster
metadata: { name: eu-2, labels: { region: eu } }
spec: {}
---
apiVersion: groundswell.dev/v1alpha1
kind: Cluster
metadata: { name: us-1, labels: { region: us } }
spec: {}
---
apiVersion: groundswell.dev/v1alpha1
kind: ClusterGroup
metadata: { name: mixed }
spec: { selector: { matchLabels: { tier: canary } }, clusters: [us-1] }
---
apiVersion: groundswell.dev/v1alpha1
kind: Repository
metadata: { name: apps }
spec: { url: 'https://git.example/apps.git', ref: { tag: v1 }, credential: bot }
`

function load(spec: string, more = ''): Fleet {
  const text = `apiVersion: groundswell.dev/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec:\n${spec.replace(/^/gm, '  ')}\n`
  return loadFleet('main@sha1:0', [
    { path: 'clusters.yaml', bytes: Buffer.from(clusters + more) },
    { path: 'shop.yaml', bytes: Buffer.from(text) },
  ])
}

describe('resolveTargets', () => {
  test('the first matching target decides, exclude too', () => {
    const { targets, skipped } = resolveTargets(
      load(`
source: { path: shop, helm: { values: { tag: '1', hosts: [a] } } }
targets:
  - { name: no, clusters: [us-1], exclude: true }
  - { name: canary, clusterGroup: mixed, values: { tag: '2' } }
  - { name: rest, clusterSelector: {} }`),
    )
    assert.deepEqual(
      targets.map(({ cluster, targetName, values }) => [cluster, targetName, values]),
      [
        ['eu-1', 'canary', { tag: '2', hosts: ['a'] }],
        ['eu-2', 'rest', { tag: '1', hosts: ['a'] }],
      ],
    )
    assert.deepEqual(skipped, [{ application: 'shop', cluster: 'us-1', reason: 'excluded' }])
  })

  test('all conditions of a target hold together', () => {
    const { targets } = resolveTargets(
      load(`
source: { path: shop }
targets:
  - { clusterGroup: mixed, clusterSelector: { matchLabels: { region: eu } } }`),
    )
    assert.deepEqual(
      targets.map(({ cluster }) => cluster),
      ['eu-1'],
    )
  })

  test('fills in labels and name of the cluster, and leaves other dollars alone', () => {
    const [target] = resolveTargets(
      load(`
source: { path: shop, helm: { values: { a: ['\${cluster.labels.region}-x'], b: '\${HOME} $\${cluster.name}' } } }
targetNamespace: shop-\${cluster.name}
targets:
  - { clusters: [us-1], valuesFiles: ['values/\${cluster.labels.region}.yaml'] }`),
    ).targets
    assert.deepEqual(target?.values, { a: ['us-x'], b: '${HOME} ${cluster.name}' })
    assert.equal(target.namespace, 'shop-us-1')
    assert.deepEqual(target.valuesFiles, ['values/us.yaml'])
  })

  test('leaves out what is suspended, and says so', () => {
    const suspended = `---\napiVersion: groundswell.dev/v1alpha1\nkind: Cluster\nmetadata: { name: zz }\nspec: { suspend: true }\n`
    const source = 'source: { path: shop }\ntargets: [{ clusters: [eu-1, zz] }]'
    const one = resolveTargets(load(source, suspended))
    assert.deepEqual(
      [one.targets.length, one.skipped],
      [1, [{ application: 'shop', cluster: 'zz', reason: 'clusterSuspended' }]],
    )
    const all = resolveTargets(load(`${source}\nsuspend: true`, suspended))
    assert.deepEqual([all.targets.length, all.skipped.length], [0, 2])
    assert.equal(all.skipped[0]?.reason, 'applicationSuspended')
  })
})

test('a group has what its selector matches and what it names', () => {
  const fleet = load('source: { path: shop }\ntargets: [{ clusterSelector: {} }]')
  assert.deepEqual(listGroupMembers(fleet.groups.get('mixed')!, fleet.clusters), ['eu-1', 'us-1'])
})

test('a Repository becomes a source with its defaults', () => {
  const fleet = load('source: { path: shop }\ntargets: [{ clusterSelector: {} }]')
  assert.deepEqual(toSourceSpec(fleet.repositories.get('apps')!), {
    spec: {
      name: 'apps',
      url: 'https://git.example/apps.git',
      ref: { tag: 'v1' },
      timeout: 60_000,
      credential: 'bot',
    },
    interval: 60_000,
  })
})

describe('toRenderInput', () => {
  const tree = {
    id: 't',
    files: [
      { path: 'chart/Chart.yaml', oid: 'o', size: 1 },
      { path: 'env/us.yaml', oid: 'o', size: 1 },
    ],
  }
  const [helm] = resolveTargets(
    load(
      'source: { path: a/chart, helm: { values: { x: 1 }, valuesFiles: [../env/us.yaml, /a/env/us.yaml] } }\ntargets: [{ clusters: [us-1] }]',
    ),
  ).targets

  test('gives values files relative to the tree, and the application as release', () => {
    const input = toRenderInput(helm!, { kind: 'helm', root: 'a', tree, path: 'chart' })
    assert.deepEqual(input.helm.valuesFiles, ['env/us.yaml', 'env/us.yaml'])
    assert.equal(input.helm.releaseName, 'shop')
    assert.equal(input.treeId, 't')
  })

  test('says which values file is not there', () => {
    const source = { kind: 'helm', root: 'a', tree: { ...tree, files: [] }, path: 'chart' } as const
    assert.throws(
      () => toRenderInput(helm!, source),
      /cluster us-1: there is no values file a\/env\/us\.yaml/,
    )
  })

  test('refuses values for something that is no chart', () => {
    const source = { kind: 'directory', root: 'a', tree, path: 'chart' } as const
    assert.throws(() => toRenderInput(helm!, source), /has values, but a\/chart is no Helm chart/)
  })
})
