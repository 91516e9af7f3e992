import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clusterGaps, clusters, head } from './argocd-files.ts'
import { assertGaps, migrate } from './migrated.ts'

describe('swell migrate argocd: ApplicationSet', () => {
  const template = (name: string, path: string, destination: string, more = '') => `  template:
    metadata: { name: '${name}' }
    spec:
      project: default
      source: { repoURL: https://git.example/apps.git, targetRevision: main, path: '${path}'${more} }
      destination: ${destination}
      syncPolicy: { automated: { prune: true } }
`

  test('a clusters generator becomes one Application with a selector and filled-in values', () => {
    const { spec, names, gaps, places } = migrate('argocd', {
      'clusters.yaml': clusters,
      'set.yaml': `${head('ApplicationSet', 'guestbook')}spec:
  generators:
    - clusters:
        selector: { matchLabels: { env: prod } }
        values: { zone: 'z-{{metadata.labels.env}}' }
${template(
  '{{name}}-guestbook',
  'guestbook',
  "{ server: '{{server}}', namespace: 'guestbook-{{metadata.labels.env}}' }",
  ", helm: { valuesObject: { zone: '{{values.zone}}', on: '{{name}}' } }",
)}  syncPolicy: { preserveResourcesOnDeletion: true }
  strategy: { type: RollingSync }
`,
    })
    assert.deepEqual(names.slice(-1), ['Application guestbook'])
    assert.deepEqual(spec('Application', 'guestbook'), {
      source: {
        repository: 'apps',
        path: 'guestbook',
        helm: {
          // What Argo CD calls the release there.
          releaseName: '${cluster.name}-guestbook',
          values: { zone: 'z-${cluster.labels.env}', on: '${cluster.name}' },
        },
      },
      targets: [{ clusterSelector: { matchLabels: { env: 'prod' } } }],
      targetNamespace: 'guestbook-${cluster.labels.env}',
      prune: true,
      drift: 'report',
      deletionPolicy: 'Orphan',
    })
    assert.deepEqual(places, ['guestbook@eu-1'])
    assertGaps(gaps, [...clusterGaps, /^set\.yaml:\d+: `strategy`: write a RolloutStrategy/])
  })

  test('a list generator becomes an Application for each element, in Go templates too', () => {
    const { spec, names, gaps } = migrate('argocd', {
      'set.yaml': `${head('ApplicationSet', 'envs')}spec:
  goTemplate: true
  generators:
    - list:
        elements:
          - { env: dev, cluster: { name: eu-2 } }
          - { env: prod, cluster: { name: eu-1 } }
${template('web-{{.env}}', 'envs/{{ .env }}', "{ name: '{{.cluster.name}}', namespace: web }")}`,
    })
    assert.deepEqual(names.slice(-2), ['Application web-dev', 'Application web-prod'])
    assert.deepEqual(spec('Application', 'web-dev')['targets'], [{ clusters: ['eu-2'] }])
    assert.deepEqual(spec('Application', 'web-prod')['source'], {
      repository: 'apps',
      path: 'envs/prod',
    })
    assertGaps(gaps, [])
  })

  test('a git generator looks for directories and files where it is run', () => {
    const { names, spec, gaps } = migrate('argocd', {
      'set.yaml': `${head('ApplicationSet', 'dirs')}spec:
  generators:
    - git:
        repoURL: https://git.example/apps.git
        revision: main
        directories:
          - path: apps/*
          - { path: apps/old, exclude: true }
    - git:
        repoURL: https://git.example/apps.git
        files: [{ path: "config/**/app.json" }]
${template('{{path.basename}}', '{{path}}', '{ name: eu-1, namespace: "{{path[0]}}" }')}`,
      'apps/one/x.yaml': '',
      'apps/two/deep/x.yaml': '',
      'apps/old/x.yaml': '',
      'config/a/app.json': '{ "app": { "name": "from-file" } }',
    })
    assert.deepEqual(names.slice(-3), ['Application a', 'Application one', 'Application two'])
    assert.deepEqual(spec('Application', 'two')['source'], { repository: 'apps', path: 'apps/two' })
    assert.equal(spec('Application', 'one')['targetNamespace'], 'apps')
    assertGaps(gaps, [])
  })

  test('a selector over what a generator made is heeded, or nothing is made of it', () => {
    const set = (name: string, generator: string) =>
      `${head('ApplicationSet', name)}spec:\n  generators:\n${generator}${template(`${name}-{{name}}`, 'web', "{ name: '{{name}}' }")}`
    const { places, gaps } = migrate('argocd', {
      'clusters.yaml': clusters,
      'sets.yaml': [
        set(
          'listed',
          `    - list: { elements: [{ name: eu-1, env: prod }, { name: eu-2, env: dev }] }
      selector: { matchLabels: { env: dev } }
`,
        ),
        set(
          'labelled',
          '    - clusters: {}\n      selector: { matchLabels: { metadata.labels.env: prod } }\n',
        ),
        set('named', '    - clusters: {}\n      selector: { matchLabels: { name: eu-1 } }\n'),
      ].join('---\n'),
    })
    assert.deepEqual(places, ['labelled@eu-1', 'listed-eu-2@eu-2'])
    assertGaps(gaps, [
      ...clusterGaps,
      /^sets\.yaml:\d+: `selector`: of clusters only labels can be asked for; nothing is made/,
    ])
  })

  test('Go’s index, lists in files, and a generator that finds nothing', () => {
    const { spec, names, gaps } = migrate('argocd', {
      'set.yaml': `${head('ApplicationSet', 'many')}spec:
  goTemplate: true
  generators:
    - clusters: { selector: { matchLabels: { region: eu } } }
${template('web', 'web', "{ server: '{{.server}}', namespace: 'w-{{ index .metadata.labels \"region\" }}' }")}`,
      'files.yaml': `${head('ApplicationSet', 'files')}spec:
  goTemplate: true
  generators:
    - git: { repoURL: https://git.example/apps.git, files: [{ path: "config/*/list.yaml" }] }
    - git: { repoURL: https://git.example/apps.git, directories: [{ path: "nowhere/*" }] }
${template('{{.name}}', '{{ index .path.segments 1 }}', '{ name: eu-1 }')}`,
      'config/a/list.yaml': '[{ name: one }, { name: two }]',
    })
    assert.equal(spec('Application', 'web')['targetNamespace'], 'w-${cluster.labels.region}')
    assert.deepEqual(names.slice(-3), ['Application one', 'Application two', 'Application web'])
    assert.deepEqual(spec('Application', 'two')['source'], { repository: 'apps', path: 'a' })
    assertGaps(gaps, [/^files\.yaml:10: no directory here matches; nothing is made of it/])
  })

  test('names what has no counterpart: other generators, paths by cluster, pipelines', () => {
    const { names, gaps } = migrate('argocd', {
      'clusters.yaml': clusters,
      'set.yaml': `${head('ApplicationSet', 'odd')}spec:
  goTemplate: true
  generators:
    - matrix: { generators: [] }
    - merge: {}
    - pullRequest: {}
    - scmProvider: {}
    - clusterDecisionResource: {}
    - plugin: {}
    - clusters: {}
    - list: { elements: [{ env: dev }] }
${template('x-{{ .env | upper }}', '{{ .name }}/{{ .env }}', '{ name: eu-1 }')}`,
    })
    assert.deepEqual(
      names.filter((name) => name.startsWith('Application')),
      ['Application x-env-upper'],
    )
    assertGaps(gaps, [
      ...clusterGaps,
      ...['matrix', 'merge', 'pullRequest', 'scmProvider', 'clusterDecisionResource', 'plugin'].map(
        (name) => new RegExp(`^set\\.yaml:\\d+: \`${name}\`: this generator has no counterpart`),
      ),
      /\{\{\.env\}\} cannot be filled in/,
      /\{\{\.env \| upper\}\} cannot be filled in/,
      /\{\{\.env \| upper\}\} cannot be filled in/,
      /\{\{\.name\}\} cannot be filled in/,
      /where a source is cannot differ from cluster to cluster/,
    ])
  })
})
