import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clusterGaps, clusters, head } from './argocd-files.ts'
import { assertGaps, migrate } from './migrated.ts'

const finalizer = '  finalizers: [resources-finalizer.argocd.argoproj.io]\n'

describe('swell migrate argocd: Application', () => {
  test('a chart in Git, automated, with values, files and parameters', () => {
    const { spec, names, gaps, places } = migrate('argocd', {
      'clusters.yaml': clusters,
      'app.yaml': `${head('Application', 'shop', finalizer)}spec:
  project: default
  source:
    repoURL: https://git.example/shop.git
    targetRevision: v1.2.3
    path: deploy/chart
    helm:
      releaseName: web
      valueFiles: [values.yaml, /env/prod.yaml, https://evil.example/x.yaml]
      values: |
        replicas: 2
        image: { tag: old }
      parameters:
        - { name: image.tag, value: "1.20", forceString: true }
        - { name: debug, value: "true" }
        - { name: "hosts[0]", value: a }
  destination:
    server: https://eu-1.example:6443
    namespace: shop
  syncPolicy:
    automated: { prune: true, selfHeal: true }
    syncOptions: [CreateNamespace=true, Replace=true]
  ignoreDifferences:
    - group: apps
      kind: Deployment
      jsonPointers: [/spec/replicas, /metadata/name]
    - kind: ConfigMap
      name: generated
      managedFieldsManagers: [robot]
    - kind: Secret
      jqPathExpressions: [.data]
`,
    })
    assert.deepEqual(names, ['Repository shop', 'Cluster eu-1', 'Cluster eu-2', 'Application shop'])
    assert.deepEqual(spec('Repository', 'shop'), {
      url: 'https://git.example/shop.git',
      ref: { tag: 'v1.2.3' },
    })
    assert.deepEqual(spec('Application', 'shop'), {
      source: {
        repository: 'shop',
        path: 'deploy/chart',
        helm: {
          releaseName: 'web',
          values: { replicas: 2, image: { tag: '1.20' }, debug: true },
          valuesFiles: ['values.yaml', '/env/prod.yaml'],
        },
      },
      targets: [{ clusters: ['eu-1'] }],
      targetNamespace: 'shop',
      createNamespace: true,
      prune: true,
      drift: 'correct',
      ignoreDifferences: [
        { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] },
        { group: '', kind: 'ConfigMap', name: 'generated', managedFieldsManagers: ['robot'] },
      ],
      deletionPolicy: 'Delete',
    })
    assert.deepEqual(places, ['shop@eu-1'])
    assertGaps(gaps, [
      ...clusterGaps,
      /^app\.yaml:15: https:\/\/evil\.example\/x\.yaml is not in Git/,
      /^app\.yaml:22: the parameter "hosts\[0\]"/,
      /^app\.yaml:28: the sync option Replace=true/,
      /^app\.yaml:32: \/metadata\/name says which object it is/,
      /^app\.yaml:37: jq has no counterpart/,
    ])
  })

  test('synced by hand it is approved by hand; kept when deleted; kustomize patches stay', () => {
    const { spec, gaps } = migrate('argocd', {
      'app.yaml': `${head('Application', 'Web_App')}spec:
  project: team-a
  source:
    repoURL: git@git.example:team/web.git
    targetRevision: HEAD
    path: overlays/prod
    kustomize:
      namespace: web
      namePrefix: x-
      patches:
        - target: { kind: Deployment }
          patch: |
            - { op: remove, path: /spec/replicas }
        - path: other.yaml
  destination: { name: in-cluster, namespace: ignored }
`,
    })
    assert.deepEqual(spec('Application', 'web-app'), {
      project: 'team-a',
      source: { repository: 'web', path: 'overlays/prod', kustomize: {} },
      targets: [
        {
          clusters: ['in-cluster'],
          patches: [
            {
              patch: '- { op: remove, path: /spec/replicas }\n',
              target: { kind: 'Deployment' },
            },
          ],
        },
      ],
      targetNamespace: 'web',
      prune: false,
      drift: 'report',
      rollout: { waves: [{ name: 'all', before: [{ approval: {} }] }] },
      deletionPolicy: 'Orphan',
    })
    assert.equal(spec('Project', 'team-a')['description'] !== undefined, true)
    assertGaps(gaps, [
      /^app\.yaml:10: follows HEAD/,
      /^app\.yaml:14: `namePrefix`: write it into the kustomization/,
      /^app\.yaml:19: `path`: the patch is in a file/,
    ])
  })

  test('a chart of a Helm repository beside values of Git; plain manifests; no cluster', () => {
    const { spec, names, gaps } = migrate('argocd', {
      'apps.yaml': [
        `${head('Application', 'redis')}spec:
  sources:
    - repoURL: https://charts.example
      chart: redis
      targetRevision: 19.x
      helm: { valueFiles: [$values/redis/prod.yaml] }
    - repoURL: https://git.example/config.git
      targetRevision: main
      ref: values
  destination: { server: https://kubernetes.default.svc, namespace: redis }
  syncPolicy: { automated: {} }
`,
        `${head('Application', 'raw')}spec:
  source:
    repoURL: https://git.example/raw
    targetRevision: main
    path: /manifests/
    directory: { recurse: true, exclude: "{a.yaml,b/*}", jsonnet: {} }
  destination: { server: "https://10.0.0.7" }
  syncPolicy: { automated: {} }
`,
        `${head('Application', 'lost')}spec:\n  source: { repoURL: https://git.example/raw, path: . }\n  destination: { namespace: x }\n`,
        head('Rollout', 'argo-rollouts'),
      ].join('---\n'),
    })
    assert.deepEqual(spec('Application', 'redis')['source'], {
      path: '.',
      helm: {
        ...{ repo: 'https://charts.example', chart: 'redis', version: '19.x' },
        valuesFiles: ['/redis/prod.yaml'],
      },
    })
    assert.deepEqual(spec('Application', 'redis')['targets'], [{ clusters: ['in-cluster'] }])
    assert.deepEqual(spec('Application', 'raw')['source'], {
      repository: 'raw',
      path: 'manifests',
      directory: { recurse: true, exclude: ['a.yaml', 'b/**'] },
    })
    assert.ok(names.includes('Cluster 10-0-0-7'))
    assert.ok(!names.includes('Application lost'))
    assertGaps(gaps, [
      /^apps\.yaml:11: of https:\/\/git\.example\/config\.git: a values file comes from/,
      /^apps\.yaml:28: `jsonnet`: render it in CI/,
      /^apps\.yaml:39: names no cluster/,
      /^apps\.yaml:41: the kind Rollout has no counterpart/,
    ])
  })
})

describe('swell migrate argocd: AppProject', () => {
  test('sources, destinations, kinds, roles and windows', () => {
    const { spec, gaps } = migrate('argocd', {
      'clusters.yaml': clusters,
      'project.yaml': `${head('AppProject', 'team-a')}spec:
  description: Team A
  sourceRepos: ["https://git.example/team-a/*", "!https://git.example/team-a/secret"]
  destinations:
    - { server: https://eu-1.example:6443, namespace: team-a-* }
    - { server: "*", namespace: shared }
    - { name: "eu-*", namespace: x }
  clusterResourceWhitelist:
    - { group: "", kind: Namespace }
    - { group: rbac.authorization.k8s.io, kind: "*" }
  namespaceResourceBlacklist: [{ group: "", kind: ResourceQuota }]
  roles:
    - name: dev
      groups: [team-a]
      policies:
        - p, proj:team-a:dev, applications, sync, team-a/shop-*, allow
        - p, proj:team-a:dev, applications, get, team-a/*, allow
        - p, proj:team-a:dev, applications, override, team-a/*, allow
    - name: ci
      jwtTokens: []
  syncWindows:
    - { kind: deny, schedule: "0 18 * * 5", duration: 62h, applications: ["*"], clusters: [eu-1], timeZone: Europe/Berlin, manualSync: true }
  orphanedResources: { warn: true }
`,
    })
    assert.deepEqual(spec('Project', 'team-a'), {
      description: 'Team A',
      sources: [{ url: 'https://git.example/team-a/**' }],
      destinations: [
        { clusters: ['eu-1'], namespaces: ['team-a-*'] },
        { clusterSelector: {}, namespaces: ['shared'] },
      ],
      kinds: {
        clusterScoped: { allow: ['Namespace', 'rbac.authorization.k8s.io/*'] },
        namespaced: { deny: ['ResourceQuota'] },
      },
      roles: [
        {
          name: 'dev',
          groups: ['team-a'],
          allow: [{ actions: ['plan', 'start'], applications: ['shop-*'] }, { actions: ['read'] }],
        },
      ],
      windows: [
        {
          kind: 'deny',
          schedule: '0 18 * * 5',
          duration: '62h',
          timeZone: 'Europe/Berlin',
          clusters: ['eu-1'],
        },
      ],
    })
    assertGaps(gaps, [
      ...clusterGaps,
      /^project\.yaml:8: "!https:\/\/git\.example\/team-a\/secret": what is allowed is listed/,
      /^project\.yaml:12: clusters are not picked by a glob/,
      /^project\.yaml:23: "p, .*override.*" has no counterpart/,
      /^project\.yaml:24: nothing of this role has a counterpart/,
      /^project\.yaml:25: `jwtTokens`/,
      /^project\.yaml:27: `manualSync`/,
      /^project\.yaml:28: `orphanedResources`/,
    ])
  })
})
