import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HubError } from '../../../../../hub/errors.ts'
import type { Fleet } from '../../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../../hub/fleet/load/load.ts'
import { listGroupMembers } from '../../../../../hub/fleet/resolve/group.ts'
import { knowCluster, toServedApis } from '../../../../../hub/fleet/resolve/cluster-facts.ts'
import { toRenderInput } from '../../../../../hub/fleet/input/render-input.ts'
import { toSourceSpec } from '../../../../../hub/fleet/input/repository-spec.ts'
import { resolveTargets } from '../../../../../hub/fleet/resolve/resolve.ts'

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

  test('tells charts of the Kubernetes that a cluster declares, and fills it in', () => {
    const declared = `---\napiVersion: groundswell.dev/v1alpha1\nkind: Cluster\nmetadata: { name: new }\nspec: { kubernetesVersion: "1.35.4", apiVersions: [monitoring.coreos.com/v1] }\n`
    const spec = `
source: { path: ., helm: { repo: 'oci://registry.example.com/charts', chart: shop, version: ^1, values: { v: '\${cluster.kubernetesVersion}' } } }
targets:
  - { clusters: [new] }`
    const [target] = resolveTargets(load(spec, declared)).targets
    assert.deepEqual(target?.values, { v: '1.35.4' })
    const tree = { id: 'tree', files: [] }
    const input = toRenderInput(target, { kind: 'helm', root: '.', tree, path: 'shop-1.0.0.tgz' })
    assert.equal(input.helm.kubeVersion, '1.35.4')
    assert.deepEqual(input.helm.apiVersions, ['monitoring.coreos.com/v1'])
    assert.deepEqual(target.chart, {
      ...{ repo: 'oci://registry.example.com/charts', chart: 'shop', version: '^1' },
    })
  })

  test('takes from an agent what Git does not say, and waits for it where Git asks for it', () => {
    const spec = `
source: { path: ., helm: { values: { v: '\${cluster.kubernetesVersion}' } } }
targetNamespace: 'on-\${cluster.kubernetesVersion}'
targets: [{ clusters: [us-1] }]`
    const fleet = load(spec.replace("'on-${cluster.kubernetesVersion}'", 'shop'))
    const [unasked] = resolveTargets(fleet).targets
    assert.deepEqual(unasked?.values, { v: '${cluster.kubernetesVersion}' })
    const unsaid = resolveTargets(fleet, new Map())
    assert.match(
      unsaid.faults[0]?.message ?? '',
      /cluster us-1 declares no `kubernetesVersion`, and no agent has reported one yet/,
    )
    const apis = toServedApis(['v1', 'apps/v1', 'v1'])
    const facts = new Map([['us-1', { kubernetesVersion: 'v1.33.4-gke.12', apis }]])
    const { targets, faults } = resolveTargets(fleet, facts)
    assert.deepEqual(faults, [])
    const [target] = targets
    assert.deepEqual(target?.values, { v: '1.33.4' })
    assert.deepEqual(
      [target.kubernetesVersion, target.apiVersions, target.served, target.judgedVersion],
      ['v1.33.4-gke.12', ['apps/v1', 'v1'], true, '1.33'],
    )
    // A namespace that only an agent can tell is judged when it has.
    const named = resolveTargets(load(spec), facts)
    assert.match(named.faults[0]?.message ?? '', /namespace "on-1\.33\.4" is not an RFC 1123 label/)
  })

  test("Git's word on a cluster comes before its agent's, each by itself", () => {
    const apis = toServedApis(['v1'])
    const facts = { kubernetesVersion: 'v1.33.4', apis }
    const known = (spec: Parameters<typeof knowCluster>[0]) => {
      const { kubernetesVersion, apiVersions, served } = knowCluster(spec, facts)
      return [kubernetesVersion, apiVersions, served]
    }
    assert.deepEqual(known({}), ['v1.33.4', ['v1'], true])
    assert.deepEqual(known({ kubernetesVersion: '1.30' }), ['1.30', ['v1'], true])
    assert.deepEqual(known({ apiVersions: ['a.io/v1'] }), ['v1.33.4', ['a.io/v1'], false])
    const odd = knowCluster({}, { kubernetesVersion: 'nonsense', apis })
    assert.deepEqual([odd.kubernetesVersion, odd.judgedVersion], ['', ''])
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

  test('fills the cluster into the name of a release, which has to be a name then', () => {
    const { targets, faults } = resolveTargets(
      load(
        'source: { path: a/chart, helm: { releaseName: "${cluster.labels.region}-shop" } }\ntargets: [{ clusters: [us-1] }]',
      ),
    )
    assert.equal(targets[0]?.releaseName, 'us-shop')
    assert.deepEqual(faults, [])
    assert.throws(
      () =>
        load(
          'source: { path: a, helm: { releaseName: "${cluster.name}-" } }\ntargets: [{ clusters: [us-1] }]',
        ),
      /release name "us-1-" is not an RFC 1123 label/,
    )
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

const project = (spec: string, name = 'team-a') =>
  `---\napiVersion: groundswell.dev/v1alpha1\nkind: Project\nmetadata: { name: ${name} }\nspec:\n${spec.replace(/^/gm, '  ')}\n`

describe('a project', () => {
  const tenant = `
sources: [{ url: "https://git.example/*", paths: [team-a, "shared/*"] }]
destinations:
  - { clusterSelector: { matchLabels: { region: eu } }, namespaces: [shop, team-a-*] }
  - { clusters: [eu-1], namespaces: [canary] }
`
  const app = (path: string, more: string, from = 'repository: apps, ') =>
    `project: team-a\nsource: { ${from}path: ${path} }\n${more}`
  const faultsOf = (spec: string, more = project(tenant)): string[] => {
    try {
      load(spec, more)
      return []
    } catch (error) {
      return (error as HubError).faults.map(
        ({ line, column, cluster, message }) =>
          `${line}:${column} ${cluster ? `${cluster}: ` : ''}${message}`,
      )
    }
  }
  const eu = 'targets: [{ clusterSelector: { matchLabels: { region: eu } } }]\n'

  test('gives each cluster the namespaces of all destinations that pick it', () => {
    const fleet = load(app('team-a/shop', `${eu}targetNamespace: shop`), project(tenant))
    const { targets } = resolveTargets(fleet)
    assert.deepEqual(
      targets.map(({ cluster, scope }) => [cluster, scope?.namespaces.join()]),
      [
        ['eu-1', 'canary,shop,team-a-*'],
        ['eu-2', 'shop,team-a-*'],
      ],
    )
    assert.deepEqual(targets[0]?.scope?.clusterScoped, { allow: [], deny: [] })
    assert.deepEqual(targets[0]?.scope?.namespaced, { allow: ['*'], deny: [] })
  })

  test('refuses what it does not allow: repository, path, values file, cluster, namespace', () => {
    assert.deepEqual(faultsOf(app('team-a', eu, '')), [
      '6:11 Project team-a does not allow the repository "fleet"',
    ])
    for (const path of ['team-b', 'team-ab', 'team-a/../team-b', 'shared', './']) {
      const found = faultsOf(app(path, eu))
      assert.match(found.join(), /^6:37 (Project team-a does not allow the path|path .* must be)/)
    }
    for (const path of ['team-a', './team-a/', 'team-a/x/y', 'shared/web', 'shared/web/deep']) {
      assert.deepEqual(faultsOf(app(path, eu)), [], path)
    }
    assert.deepEqual(
      faultsOf(
        `project: team-a\nsource: { repository: apps, path: team-a/web, helm: { valuesFiles: [../x.yaml, "../../team-b/\${cluster.name}.yaml", /team-b/x.yaml] } }\n${eu}`,
      ),
      [
        '6:82 eu-1: Project team-a does not allow the values file "team-b/eu-1.yaml"; allowed are team-a, shared/* (and on 1 more clusters)',
        '6:119 eu-1: Project team-a does not allow the values file "team-b/x.yaml"; allowed are team-a, shared/* (and on 1 more clusters)',
      ],
    )
    assert.deepEqual(faultsOf(app('team-a', 'targets: [{ clusterSelector: {} }]')), [
      '7:13 us-1: Project team-a does not allow this cluster',
    ])
    assert.deepEqual(faultsOf(app('team-a', `${eu}targetNamespace: canary`)), [
      '8:20 eu-2: Project team-a does not allow the namespace "canary" here; allowed are shop, team-a-*',
    ])
    assert.match(faultsOf(app('team-a', `${eu}targetNamespace: kube-system`)).join(), /kube-system/)
  })

  test('a cluster that is excluded need not be a destination', () => {
    const spec = 'targets: [{ clusters: [us-1], exclude: true }, { clusterSelector: {} }]'
    assert.deepEqual(faultsOf(app('team-a', spec)), [])
  })

  test('limits a suspended application too, so that taking it up again brings no surprise', () => {
    const spec = 'targets: [{ clusterSelector: {} }]\nsuspend: true'
    assert.match(faultsOf(app('team-a', spec)).join(), /us-1: .* does not allow this cluster/)
  })

  test('called default limits applications that name none; without it nothing does', () => {
    const spec = `source: { path: team-a }\n${eu}`
    assert.equal(resolveTargets(load(spec)).targets[0]?.scope, undefined)
    assert.deepEqual(faultsOf(spec, project(tenant, 'default')), [
      '5:11 Project default does not allow the repository "fleet"',
    ])
  })

  test('says the same limits in the same bytes, however they are written', () => {
    const other = tenant.replace('shop, team-a-*', 'team-a-*, shop, shop')
    const [one, two] = [tenant, other].map(
      (text) => resolveTargets(load(app('team-a', eu), project(text))).targets[0]?.scope,
    )
    assert.equal(JSON.stringify(one), JSON.stringify(two))
  })
})
