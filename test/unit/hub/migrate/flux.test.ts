import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertGaps, migrate } from './migrated.ts'

const versions: Readonly<Record<string, string>> = {
  Kustomization: 'kustomize.toolkit.fluxcd.io/v1',
  HelmRelease: 'helm.toolkit.fluxcd.io/v2',
  Alert: 'notification.toolkit.fluxcd.io/v1beta3',
}
const head = (kind: string, name: string, namespace = 'flux-system') =>
  `apiVersion: ${versions[kind] ?? 'source.toolkit.fluxcd.io/v1'}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\n`
const repository = `${head('GitRepository', 'apps')}spec:
  url: ssh://git@git.example/apps
  ref: { semver: ">=1.0.0" }
  interval: 1m30s
  secretRef: { name: deploy-key }
  verify: { mode: HEAD }
`

describe('swell migrate flux', () => {
  test('Kustomizations of clusters/NAME become Applications of that cluster', () => {
    const kustomization = (name: string, more: string) =>
      `${head('Kustomization', name)}spec:\n  sourceRef: { kind: GitRepository, name: apps }\n${more}`
    const { spec, names, gaps, places } = migrate('flux', {
      'clusters/prod/sources.yaml': repository,
      'clusters/prod/apps.yaml': [
        kustomization(
          'infra',
          '  path: ./infra/prod\n  prune: true\n  wait: true\n  interval: 10m\n',
        ),
        kustomization(
          'shop',
          `  path: ./shop
  prune: true
  targetNamespace: shop
  deletionPolicy: Orphan
  dependsOn: [{ name: infra, readyExpr: "true" }, { name: gone }]
  patches:
    - target: { kind: Deployment, labelSelector: "app=web" }
      patch: "- { op: add, path: /spec/replicas, value: 3 }"
  healthCheckExprs:
    - { apiVersion: a.io/v1, kind: A, current: status.phase == 'Done' }
    - { apiVersion: b.io/v1, kind: B, current: status.phase == }
  images: [{ name: web, newTag: v2 }]
  postBuild: { substitute: { a: b } }
`,
        ),
      ].join('---\n'),
      'clusters/dev/apps.yaml': kustomization('shop', '  path: shop\n  suspend: true\n'),
      'clusters/prod/flux-system/gotk-sync.yaml': `${head('Kustomization', 'flux-system')}spec: { path: ./clusters/prod, sourceRef: { kind: GitRepository, name: flux-system } }\n`,
      'shop/deployment.yaml': '',
      'infra/prod/kustomization.yaml': '',
    })
    assert.deepEqual(names, [
      'Repository apps',
      'Cluster dev',
      'Cluster prod',
      'Application infra',
      'Application shop-dev',
      'Application shop-prod',
    ])
    assert.deepEqual(spec('Repository', 'apps'), {
      url: 'ssh://git@git.example/apps',
      ref: { semver: '>=1.0.0' },
      interval: '1m30s',
      credential: 'deploy-key',
    })
    assert.deepEqual(spec('Application', 'infra'), {
      source: { repository: 'apps', path: 'infra/prod', kustomize: {} },
      targets: [{ clusters: ['prod'] }],
      prune: true,
      deletionPolicy: 'Delete',
    })
    assert.deepEqual(spec('Application', 'shop-prod'), {
      source: { repository: 'apps', path: 'shop', directory: { recurse: true } },
      targets: [
        {
          clusters: ['prod'],
          patches: [
            {
              patch: '- { op: add, path: /spec/replicas, value: 3 }',
              target: { kind: 'Deployment', labelSelector: 'app=web' },
            },
          ],
        },
      ],
      targetNamespace: 'shop',
      prune: true,
      deletionPolicy: 'Orphan',
      healthCheckExprs: [{ apiVersion: 'a.io/v1', kind: 'A', current: "status.phase == 'Done'" }],
      dependsOn: [{ name: 'infra' }],
    })
    assert.equal(spec('Application', 'shop-dev')['suspend'], true)
    // Flux leaves what it was not to prune.
    assert.equal(spec('Application', 'shop-dev')['deletionPolicy'], 'Orphan')
    assert.deepEqual(places, ['infra@prod', 'shop-prod@prod'])
    assertGaps(gaps, [
      /^clusters\/prod\/apps\.yaml:24: `readyExpr` has no counterpart/,
      /^clusters\/prod\/apps\.yaml:24: there is no Kustomization "gone" here/,
      /^clusters\/prod\/apps\.yaml:30: is left out: not CEL as it is read here: /,
      /^clusters\/prod\/apps\.yaml:31: `images`: write it into the kustomization/,
      /^clusters\/prod\/apps\.yaml:32: `postBuild`: variables are not substituted/,
      /gotk-sync\.yaml:1: applies Flux’s own configuration/,
      /^clusters\/prod\/sources\.yaml:10: write the credential "deploy-key"/,
      /^clusters\/prod\/sources\.yaml:11: `verify`/,
    ])
  })

  test('HelmReleases of charts in Git, in a Helm repository and in a registry', () => {
    const { spec, gaps } = migrate('flux', {
      'sources.yaml': [
        repository,
        `${head('HelmRepository', 'bitnami')}spec: { url: https://charts.example }\n`,
        `${head('OCIRepository', 'podinfo')}spec: { url: oci://registry.example/charts/podinfo, ref: { tag: 6.5.0 } }\n`,
      ].join('---\n'),
      'releases.yaml': [
        `${head('HelmRelease', 'web', 'shop')}spec:
  chart:
    spec:
      chart: ./charts/web
      sourceRef: { kind: GitRepository, name: apps, namespace: flux-system }
      valuesFiles: [./charts/web/values.yaml]
  releaseName: front
  targetNamespace: web
  install: { createNamespace: true }
  values: { replicas: 2, enabled: yes, text: "yes" }
  valuesFrom: [{ kind: ConfigMap, name: x }]
  driftDetection: { mode: enabled, ignore: [] }
  dependsOn: [{ name: redis }]
  postRenderers:
    - kustomize: { patches: [{ patch: x }], images: [] }
`,
        `${head('HelmRelease', 'redis', 'shop')}spec:
  chart: { spec: { chart: redis, version: "19.x", sourceRef: { kind: HelmRepository, name: bitnami } } }
  suspend: true
`,
        `${head('HelmRelease', 'podinfo', '')}spec:\n  chartRef: { kind: OCIRepository, name: podinfo }\n`,
        `${head('Alert', 'a')}spec: {}\n`,
      ].join('---\n'),
    })
    assert.deepEqual(spec('Application', 'web'), {
      source: {
        repository: 'apps',
        path: 'charts/web',
        helm: {
          releaseName: 'front',
          values: { replicas: 2, enabled: true, text: 'yes' },
          // Flux names them from the root of the repository.
          valuesFiles: ['/charts/web/values.yaml'],
        },
      },
      targets: [{ clusterSelector: {}, patches: [{ patch: 'x' }] }],
      targetNamespace: 'web',
      createNamespace: true,
      drift: 'correct',
      suspend: true,
      dependsOn: [{ name: 'redis' }],
    })
    assert.deepEqual(spec('Application', 'redis'), {
      source: {
        path: '.',
        helm: { repo: 'https://charts.example', chart: 'redis', version: '19.x' },
      },
      targets: [{ clusterSelector: {} }],
      targetNamespace: 'shop',
      drift: 'ignore',
      suspend: true,
    })
    assert.deepEqual(spec('Application', 'podinfo')['source'], {
      path: '.',
      helm: { repo: 'oci://registry.example/charts', chart: 'podinfo', version: '6.5.0' },
    })
    assertGaps(gaps, [
      /: write the credential/,
      /^sources\.yaml:11: `verify`/,
      /^releases\.yaml:1: nothing says which cluster it is for/,
      /^releases\.yaml:16: `valuesFrom`: write the values out/,
      /^releases\.yaml:17: `ignore`: what other managers own/,
      /^releases\.yaml:20: `images`/,
      /^releases\.yaml:22: nothing says which cluster it is for/,
      /^releases\.yaml:31: nothing says which cluster it is for/,
      /^releases\.yaml:39: the kind Alert has no counterpart/,
    ])
  })

  test('a chart repository is the one of that name in its namespace and cluster', () => {
    const source = (kind: string, namespace: string, url: string, more = '') =>
      `${head(kind, 'charts', namespace)}spec: { url: ${url}${more} }\n`
    const release = (name: string, namespace: string, from: string) =>
      `${head('HelmRelease', name, namespace)}spec: { ${from} }\n`
    const byRepository = (more = '') =>
      `chart: { spec: { chart: web, version: 1.0.0, sourceRef: { kind: HelmRepository, name: charts${more} } } }`
    const { spec } = migrate('flux', {
      'clusters/dev/all.yaml': [
        source('HelmRepository', 'a', 'https://dev-a.example'),
        source('HelmRepository', 'b', 'https://dev-b.example'),
        release('dev-b', 'b', byRepository()),
        release('dev-a', 'b', byRepository(', namespace: a')),
      ].join('---\n'),
      'clusters/prod/all.yaml': [
        source('HelmRepository', 'b', 'https://prod-b.example'),
        source('OCIRepository', 'b', 'oci://registry.example/web', ', ref: { semver: ">=1" }'),
        release('prod-b', 'b', byRepository()),
        release('ranged', 'b', 'chartRef: { kind: OCIRepository, name: charts }'),
      ].join('---\n'),
    })
    const found = ['dev-b', 'dev-a', 'prod-b', 'ranged'].map((name) => {
      const { helm } = spec('Application', name)['source'] as { helm: Record<string, string> }
      return `${helm['repo']} ${helm['version']}`
    })
    assert.deepEqual(found, [
      ...['https://dev-b.example 1.0.0', 'https://dev-a.example 1.0.0'],
      ...['https://prod-b.example 1.0.0', 'oci://registry.example >=1'],
    ])
  })

  test('accounts and SOPS are taken over, and what is left to do is told', () => {
    const at = (kind: string, name: string, more: string) =>
      `${head(kind, name, 'team')}spec:\n  serviceAccountName: deployer\n${more}`
    const source = 'sourceRef: { kind: GitRepository, name: apps, namespace: flux-system }'
    const { spec, gaps } = migrate('flux', {
      'clusters/prod/sources.yaml': repository,
      'clusters/prod/apps.yaml': [
        at(
          'Kustomization',
          'shop',
          `  ${source}\n  path: ./shop\n  decryption: { provider: sops, secretRef: { name: age } }\n`,
        ),
        at(
          'Kustomization',
          'keyless',
          `  ${source}\n  path: ./shop\n  decryption: { provider: sops }\n`,
        ),
        at(
          'Kustomization',
          'other',
          `  ${source}\n  path: ./shop\n  decryption: { provider: x }\n`,
        ),
        at('HelmRelease', 'chart', `  chart: { spec: { chart: ./chart, ${source} } }\n`),
      ].join('---\n'),
      'shop/deployment.yaml': '',
    })
    for (const name of ['shop', 'keyless', 'other', 'chart']) {
      assert.equal(
        (spec('Application', name) as { serviceAccount?: string }).serviceAccount,
        'team/deployer',
        name,
      )
    }
    const said = gaps.filter((gap) => /SOPS|provider/.test(gap))
    assert.equal(said.length, 3)
    assert.match(
      said[0]!,
      /^clusters\/prod\/apps\.yaml:\d+: .*keys of Secret "age".*groundswell-agent-sops/,
    )
    assert.match(said[1]!, /put the age or PGP keys into/)
    assert.match(said[2]!, /the provider "x" has no counterpart/)
    assert.ok(!gaps.some((gap) => /serviceAccountName/.test(gap)))
  })
})
