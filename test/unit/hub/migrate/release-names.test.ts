import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { migrate } from './migrated.ts'

/* Objects of most charts are named after their release: under another name none of them would be adopted. */

const flux = (kind: string, name: string, namespace: string) =>
  `apiVersion: ${kind === 'HelmRelease' ? 'helm' : 'source'}.toolkit.fluxcd.io/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\n`
const chart = (path: string) =>
  `chart: { spec: { chart: ${path}, sourceRef: { kind: GitRepository, name: apps } } }`
const argo = (kind: string, name: string) =>
  `apiVersion: argoproj.io/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`
const fleet = (kind: string, name: string) =>
  `apiVersion: fleet.cattle.io/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`

const helmOf = (spec: Record<string, unknown>) =>
  (spec['source'] as { helm?: Record<string, unknown> }).helm

describe('swell migrate keeps the names of Helm releases', () => {
  test('flux: alike on two clusters, with a target namespace, or named', () => {
    const release = (name: string, more = '') =>
      `${flux('HelmRelease', name, 'team')}spec:\n  ${chart('./charts/web')}\n${more}`
    const { spec } = migrate('flux', {
      'clusters/prod/a.yaml': [
        `${flux('GitRepository', 'apps', 'team')}spec: { url: https://git.example/apps, ref: { branch: main } }\n`,
        release('web'),
        release('moved', '  targetNamespace: shop\n'),
        release('named', '  targetNamespace: shop\n  releaseName: own\n'),
        release('plain'),
      ].join('---\n'),
      'clusters/dev/a.yaml': release('web'),
    })
    const names = ['web-prod', 'web-dev', 'moved', 'named', 'plain'].map(
      (name) => helmOf(spec('Application', name))?.['releaseName'],
    )
    assert.deepEqual(names, ['web', 'web', 'shop-moved', 'own', undefined])
  })

  test('argocd: of a set over clusters the name differs from cluster to cluster', () => {
    const set = (name: string, source: string) => `${argo('ApplicationSet', 'web')}spec:
  goTemplate: true
  generators: [{ clusters: {} }]
  template:
    metadata: { name: '${name}' }
    spec:
      project: default
      source: { repoURL: https://git.example/apps, targetRevision: main, ${source} }
      destination: { server: '{{.server}}', namespace: web }
`
    const written = (name: string, source: string, files = {}) => {
      const { spec, fleet: loaded } = migrate('argocd', { 'set.yaml': set(name, source), ...files })
      const [application] = loaded.applications.keys()
      return helmOf(spec('Application', application!))
    }
    assert.deepEqual(written('{{.name}}-web', 'path: web, helm: { values: "a: 1" }'), {
      releaseName: '${cluster.name}-web',
      values: { a: 1 },
    })
    assert.deepEqual(written('{{.name}}-web', 'path: web', { 'web/Chart.yaml': '' }), {
      releaseName: '${cluster.name}-web',
    })
    assert.equal(written('{{.name}}-web', 'path: web', { 'web/a.yaml': '' }), undefined)
    assert.deepEqual(written('web', 'path: web, helm: {}'), {})
    assert.deepEqual(written('{{.name}}-web', 'path: web, helm: { releaseName: own }'), {
      releaseName: 'own',
    })
  })

  test('argocd: of two charts of one Application', () => {
    const { spec } = migrate('argocd', {
      'app.yaml': `${argo('Application', 'web')}spec:
  project: default
  sources:
    - { repoURL: https://charts.example, chart: a, targetRevision: 1.0.0 }
    - { repoURL: https://charts.example, chart: b, targetRevision: 1.0.0 }
  destination: { name: one, namespace: web }
`,
    })
    assert.equal(helmOf(spec('Application', 'web-1'))?.['releaseName'], 'web')
    assert.equal(helmOf(spec('Application', 'web-2'))?.['releaseName'], 'web')
  })

  test('fleet: another version, repository or release for some clusters is a source of its own', () => {
    const { spec, places } = migrate('fleet', {
      'clusters.yaml': ['dev', 'prod', 'old', 'lab']
        .map((name) => fleet('Cluster', name))
        .join('---\n'),
      'repo.yaml': `${fleet('GitRepo', 'apps')}spec: { repo: https://git.example/apps, branch: main, paths: [redis], targets: [{ clusterSelector: {} }] }\n`,
      'redis/fleet.yaml': `helm: { repo: https://charts.example, chart: redis, version: 2.0.0 }
targetCustomizations:
  - { name: stable, clusterName: prod, helm: { version: 1.9.0 } }
  - { name: mirror, clusterName: lab, helm: { repo: https://mirror.example } }
  - { name: named, clusterName: old, helm: { releaseName: cache } }
`,
    })
    const base = { repo: 'https://charts.example', chart: 'redis', version: '2.0.0' }
    assert.deepEqual(helmOf(spec('Application', 'apps-redis')), base)
    assert.deepEqual(helmOf(spec('Application', 'apps-redis-stable')), {
      ...{ ...base, version: '1.9.0', releaseName: 'apps-redis' },
    })
    assert.deepEqual(helmOf(spec('Application', 'apps-redis-mirror')), {
      ...{ ...base, repo: 'https://mirror.example', releaseName: 'apps-redis' },
    })
    assert.deepEqual(helmOf(spec('Application', 'apps-redis-named')), {
      ...{ ...base, releaseName: 'cache' },
    })
    assert.deepEqual(places, [
      ...['apps-redis@dev', 'apps-redis-mirror@lab', 'apps-redis-named@old'],
      'apps-redis-stable@prod',
    ])
  })
})
