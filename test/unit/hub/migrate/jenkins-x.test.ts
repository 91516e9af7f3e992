import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertGaps, migrate } from './migrated.ts'

describe('swell migrate jenkins-x', () => {
  test('what was rendered into config-root is taken as it is', () => {
    const { spec, names, gaps, places } = migrate('jenkins-x', {
      'jx-requirements.yml': `apiVersion: core.jenkins-x.io/v4beta1
kind: Requirements
spec:
  cluster: { clusterName: edge-1, provider: gke, registry: r.example }
  environments:
    - { key: dev }
    - { key: staging, promotionStrategy: Manual }
    - { key: production, promotionStrategy: Auto, remoteCluster: true }
  vault: {}
`,
      'config-root/namespaces/jx-staging/shop/shop-deploy.yaml': '',
      'config-root/namespaces/jx-staging/till/till-deploy.yaml': '',
      'config-root/cluster/resources/x.yaml': '',
      'config-root/customresourcedefinitions/x/crd.yaml': '',
      'helmfiles/jx-staging/helmfile.yaml': `namespace: jx-staging
repositories:
  - { name: dev, url: https://charts.example/dev }
releases:
  - { name: shop, chart: dev/shop, version: 1.0.0 }
  - { name: late, chart: dev/late, version: 2.0.0, values: [values.yaml, values.yaml.gotmpl], hooks: [] }
  - { name: off, chart: dev/off, installed: false }
`,
      'helmfiles/jx-staging/values.yaml': 'a: 1\n',
      '.lighthouse/triggers.yaml': '',
    })
    assert.deepEqual(names, [
      'Cluster edge-1',
      'Application cluster-wide',
      'Application definitions',
      'Application late',
      'Application shop',
      'Application till',
    ])
    const rollout = { waves: [{ name: 'all', before: [{ approval: {} }] }] }
    const targets = [{ clusters: ['edge-1'] }]
    assert.deepEqual(spec('Application', 'shop'), {
      source: { path: 'config-root/namespaces/jx-staging/shop', directory: { recurse: true } },
      ...{ targetNamespace: 'jx-staging', targets, rollout },
    })
    assert.equal(spec('Application', 'definitions')['deletionPolicy'], 'Orphan')
    assert.deepEqual(spec('Application', 'late'), {
      source: {
        path: '.',
        helm: {
          ...{ repo: 'https://charts.example/dev', chart: 'late', version: '2.0.0' },
          releaseName: 'late',
          valuesFiles: ['/helmfiles/jx-staging/values.yaml'],
        },
      },
      ...{ targetNamespace: 'jx-staging', createNamespace: true, targets, rollout },
    })
    assert.equal(places.length, 5)
    assertGaps(gaps, [
      /^helmfiles\/jx-staging\/helmfile\.yaml:6: values\.yaml\.gotmpl is a template/,
      /^helmfiles\/jx-staging\/helmfile\.yaml:6: `hooks` has no counterpart/,
      /^jx-requirements\.yml:1: \.lighthouse\/ pipelines stay where they run/,
      /^jx-requirements\.yml:4: `registry` has no counterpart/,
      /^jx-requirements\.yml:8: the environment "production" has a cluster and a repository of its own/,
      /^jx-requirements\.yml:9: `vault`: an agent reads Vault by its own settings/,
    ])
  })

  test('the chart of a Jenkins X 2 environment is one Application; a helmfile template is told', () => {
    const { spec, gaps } = migrate('jenkins-x', {
      'env/Chart.yaml': 'name: env\n',
      'env/requirements.yaml':
        'dependencies:\n  - { name: shop, repository: "http://charts.example", version: 0.0.7 }\n  - { name: here }\n',
      'env/charts/here/Chart.yaml': '',
      'helmfile.yaml': '{{ range .x }}\n- : {',
    })
    assert.deepEqual(spec('Application', 'env'), {
      source: { path: 'env', helm: {} },
      targets: [{ clusterSelector: {} }],
      ...{ targetNamespace: 'jx', createNamespace: true, suspend: true },
    })
    assertGaps(gaps, [
      /^env\/Chart\.yaml:1: its namespace is not in the repository/,
      /^env\/requirements\.yaml:2: the chart shop 0\.0\.7 of http:\/\/charts\.example is not in Git; run helm dependency update env/,
      /^helmfile\.yaml:\d+: is not YAML/,
    ])
  })
})
