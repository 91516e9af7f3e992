import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertGaps, migrate } from './migrated.ts'

const head = (kind: string, name: string) =>
  `apiVersion: fleet.cattle.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: fleet-default\n`

const clusters = [
  `${head('Cluster', 'eu-1')}  labels: { env: prod, region: eu }\n`,
  `${head('Cluster', 'eu-2')}  labels: { env: dev, region: eu }\n`,
  `${head('Cluster', 'us-1')}  labels: { env: prod, region: us }\n`,
  `${head('ClusterGroup', 'production')}spec:\n  selector:\n    matchLabels: { env: prod }\n`,
].join('---\n')

const gitRepo = `${head('GitRepo', 'apps')}spec:
  repo: https://git.example/apps.git
  branch: stable
  paths: [web, jobs/*]
  pollingInterval: 45s
  correctDrift: { enabled: true }
  serviceAccount: x
  targets:
    - name: prod
      clusterGroup: production
    - name: dev
      clusterSelector: { matchLabels: { env: dev } }
`

describe('swell migrate fleet', () => {
  test('a GitRepo and a fleet.yaml of a chart become a Repository and an Application', () => {
    const { spec, names, gaps, places } = migrate('fleet', {
      'clusters.yaml': clusters,
      'repo.yaml': gitRepo,
      'web/fleet.yaml': `namespace: web
helm:
  releaseName: web
  chart: ./chart
  values: { replicas: 2, debug: no, mode: 0644 }
  valuesFiles: [values.yaml]
  atomic: true
dependsOn:
  - name: apps-jobs-clean
rolloutStrategy:
  maxUnavailable: 25%
  partitions:
    - name: canary
      maxUnavailable: 1
      clusterSelector: { matchLabels: { env: dev } }
keepResources: true
targetCustomizations:
  - name: eu
    clusterSelector: { matchLabels: { region: eu } }
    helm:
      values: { zone: "\${ .ClusterLabels.region }-\${ .ClusterName }" }
      valuesFiles: [eu.yaml]
  - name: off
    clusterName: us-1
    doNotDeploy: true
diff: { comparePatches: [] }
`,
      'web/chart/Chart.yaml': 'name: web\n',
      'jobs/clean/fleet.yaml': 'defaultNamespace: jobs\n',
      'jobs/clean/job.yaml': 'apiVersion: batch/v1\nkind: Job\n',
    })
    assert.deepEqual(names, [
      'Repository apps',
      'Cluster eu-1',
      'Cluster eu-2',
      'Cluster us-1',
      'ClusterGroup production',
      'Application apps-jobs-clean',
      'Application apps-web',
    ])
    assert.deepEqual(spec('Repository', 'apps'), {
      url: 'https://git.example/apps.git',
      ref: { branch: 'stable' },
      interval: '45s',
    })
    const eu = { matchLabels: { region: 'eu' } }
    assert.deepEqual(spec('Application', 'apps-web'), {
      source: {
        repository: 'apps',
        path: 'web/chart',
        helm: {
          releaseName: 'web',
          values: { replicas: 2, debug: false, mode: 420 },
          valuesFiles: ['../values.yaml'],
        },
      },
      targets: [
        {
          ...{ clusterSelector: eu, clusterGroup: 'production', name: 'eu' },
          ...{
            values: { zone: '${cluster.labels.region}-${cluster.name}' },
            valuesFiles: ['../eu.yaml'],
          },
        },
        {
          clusterSelector: { matchLabels: { region: 'eu', env: 'dev' } },
          ...{
            name: 'eu-2',
            values: { zone: '${cluster.labels.region}-${cluster.name}' },
            valuesFiles: ['../eu.yaml'],
          },
        },
        { clusterGroup: 'production', clusters: ['us-1'], exclude: true },
        { clusterSelector: { matchLabels: { env: 'dev' } }, clusters: ['us-1'], exclude: true },
        { clusterGroup: 'production' },
        { clusterSelector: { matchLabels: { env: 'dev' } } },
      ],
      targetNamespace: 'web',
      createNamespace: true,
      deletionPolicy: 'Orphan',
      drift: 'correct',
      dependsOn: [{ name: 'apps-jobs-clean' }],
      rollout: {
        waves: [
          { name: 'canary', selector: { matchLabels: { env: 'dev' } }, maxConcurrent: 1 },
          { name: 'rest', maxConcurrent: '25%' },
        ],
      },
    })
    assert.deepEqual(spec('Application', 'apps-jobs-clean')['source'], {
      ...{ repository: 'apps', path: 'jobs/clean' },
      directory: { recurse: true, exclude: ['fleet.yaml'] },
    })
    assert.deepEqual(places, [
      ...['apps-jobs-clean@eu-1', 'apps-jobs-clean@eu-2', 'apps-jobs-clean@us-1'],
      ...['apps-web@eu-1', 'apps-web@eu-2'],
    ])
    assertGaps(gaps, [
      /^repo\.yaml:12: `serviceAccount`: say in which namespace it is/,
      /^web\/fleet\.yaml:1: `namespace` is for objects that name none/,
      /^web\/fleet\.yaml:7: `atomic` has no counterpart/,
      /^web\/fleet\.yaml:26: `diff`: what other managers own/,
    ])
  })

  test('overlays that differ by target become Applications that leave each other’s clusters alone', () => {
    const { spec, names, places } = migrate('fleet', {
      'clusters.yaml': clusters,
      'repo.yaml': gitRepo.replace('paths: [web, jobs/*]', 'paths: [shop]'),
      'shop/fleet.yaml': `kustomize: { dir: overlays/dev }
targetCustomizations:
  - name: prod
    clusterGroup: production
    kustomize: { dir: overlays/prod }
`,
      'shop/overlays/prod/kustomization.yaml': '',
      'shop/overlays/dev/kustomization.yaml': '',
    })
    assert.deepEqual(names.slice(-2), ['Application apps-shop', 'Application apps-shop-prod'])
    assert.deepEqual(spec('Application', 'apps-shop')['source'], {
      ...{ repository: 'apps', path: 'shop/overlays/dev', kustomize: {} },
    })
    assert.deepEqual(places, ['apps-shop@eu-2', 'apps-shop-prod@eu-1', 'apps-shop-prod@us-1'])
  })

  test('says what cannot be told: no targets, a chart that is not in Git, groups by selector', () => {
    const { spec, gaps } = migrate('fleet', {
      'a/fleet.yaml':
        'helm:\n  repo: https://charts.example\n  chart: redis\n  version: 1.2.3\n  values: { a: "yes", b: "${ upper .ClusterName }" }\n',
      'repo.yaml': `${head('GitRepo', 'rest')}spec:\n  repo: git@git.example:team/rest.git\n  revision: ${'a'.repeat(40)}\n  paths: [b]\n  clientSecretName: key\n`,
      'other.yaml': `${head('GitRepo', 'third')}spec:\n  repo: https://git.example/third\n  paths: [c]\n  targets:\n    - clusterGroupSelector: {}\n    - clusterName: far\n    - clusterGroup: nobody\n`,
      'x.yaml': head('Bundle', 'b'),
    })
    assert.deepEqual(spec('Repository', 'rest')['ref'], { commit: 'a'.repeat(40) })
    assert.equal(spec('Repository', 'rest')['credential'], 'key')
    assert.deepEqual(spec('Application', 'a')['source'], {
      path: 'a',
      helm: {
        ...{ repo: 'https://charts.example', chart: 'redis', version: '1.2.3' },
        values: { a: 'yes', b: '${ upper .ClusterName }' },
      },
    })
    assert.deepEqual(spec('Application', 'third-c')['targets'], [
      { clusters: ['far'] },
      { clusterGroup: 'nobody' },
    ])
    assertGaps(gaps, [
      /^a\/fleet\.yaml:1: \$\{ upper \.ClusterName \} has no counterpart/,
      /^a\/fleet\.yaml:1: no GitRepo here names this directory/,
      /^repo\.yaml:6: has no `targets`/,
      /^repo\.yaml:10: write the credential "key"/,
      /^other\.yaml:10: `clusterGroupSelector`/,
      /^other\.yaml:12: the group "nobody" is not declared/,
      /^x\.yaml:1: the kind Bundle has no counterpart/,
    ])
  })

  test('goes nowhere but where `overrideTargets` say, whatever its GitRepo says', () => {
    const { places, gaps } = migrate('fleet', {
      'clusters.yaml': clusters,
      'repo.yaml': `${head('GitRepo', 'apps')}spec: { repo: https://git.example/apps, branch: main, paths: [], targets: [{ clusterSelector: {} }] }\n`,
      'shop/fleet.yaml': 'overrideTargets: [{ clusterSelector: { matchLabels: { env: dev } } }]\n',
      'none/fleet.yaml': 'overrideTargets: []\n',
      'all/fleet.yaml': 'namespace: all\n',
    })
    assert.deepEqual(places, [
      ...['apps-all@eu-1', 'apps-all@eu-2', 'apps-all@us-1', 'apps-shop@eu-2'],
    ])
    assertGaps(gaps, [/^all\/fleet\.yaml:1: `namespace` is for objects/])
  })

  test('plain manifests stay what they are, also where Fleet would name their release', () => {
    const { spec } = migrate('fleet', {
      'repo.yaml': `${head('GitRepo', 'apps')}spec: { repo: https://git.example/apps, branch: main, paths: [/shop], targets: [{ clusterName: a }] }\n`,
      'shop/fleet.yaml': 'helm: { releaseName: shop, values: { a: 1 } }\n',
      'shop/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n',
    })
    assert.deepEqual(spec('Application', 'apps-shop')['source'], {
      ...{ repository: 'apps', path: 'shop' },
      directory: { recurse: true, exclude: ['fleet.yaml'] },
    })
  })

  test('is suspended where a customization that cannot be said may have kept it off a cluster', () => {
    const { spec, gaps, places } = migrate('fleet', {
      'clusters.yaml': clusters,
      'repo.yaml': gitRepo.replace('paths: [web, jobs/*]', 'paths: [shop]'),
      'shop/fleet.yaml': `targetCustomizations:
  - name: off
    clusterGroupSelector: { matchLabels: { region: eu } }
    doNotDeploy: true
`,
    })
    assert.equal(spec('Application', 'apps-shop')['suspend'], true)
    assert.deepEqual(places, [])
    assertGaps(gaps, [
      /^repo\.yaml:12: `serviceAccount`/,
      /^shop\/fleet\.yaml:1: not all could be converted: it is suspended/,
      /^shop\/fleet\.yaml:3: `clusterGroupSelector`/,
    ])
  })
})
