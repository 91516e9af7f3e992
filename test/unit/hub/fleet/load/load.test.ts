import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { tells } from '../../../../support/exact-words.ts'
import { HubError } from '../../../../../hub/errors.ts'
import { type FleetFile, loadFleet, loadFleetInTurns } from '../../../../../hub/fleet/load/load.ts'
import { badAlerts } from '../bad-alerts.ts'
import { badGates } from '../bad-gates.ts'
import { badInputs } from '../bad-inputs.ts'
import { badProjects } from '../bad-projects.ts'
import { badCharts } from '../bad-charts.ts'
import { badImages } from '../bad-images.ts'
import { badConfigurations, head, withTarget } from '../bad-configurations.ts'
import { badKeeping } from '../bad-keeping.ts'

const revision = `main@sha1:${'a'.repeat(40)}`

function toFiles(texts: Readonly<Record<string, string>>): FleetFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, bytes: Buffer.from(text) }))
}

function findFaults(texts: Readonly<Record<string, string>>): string[] {
  try {
    loadFleet(revision, toFiles(texts))
  } catch (error) {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, 'fleet_invalid')
    return error.faults.map(
      ({ file, line, column, message }) => `${file}:${line}:${column} ${message}`,
    )
  }
  return []
}

const good = {
  'clusters.yaml': [
    `${head('Cluster', 'edge-1')}  labels:\n    region: eu\nspec: {}\n`,
    `${head('Cluster', 'edge-2')}  labels:\n    region: us\nspec:\n  displayName: Two\n`,
    `${head('ClusterGroup', 'europe')}spec:\n  selector:\n    matchLabels:\n      region: eu\n`,
  ].join('---\n'),
  'repository.yml': `${head('Repository', 'apps')}spec:\n  url: https://git.example/apps.git\n  ref:\n    branch: main\n  interval: 30s\n`,
  'strategy.yaml': `${head('RolloutStrategy', 'careful')}spec:\n  waves:\n    - name: canary\n      clusterGroup: europe\n      maxFailures: 25%\n    - name: rest\n`,
  'shop.yaml': `${head('Application', 'shop')}spec:\n  source:\n    repository: apps\n    path: shop\n    helm:\n      values:\n        region: \${cluster.labels.region}\n  targetNamespace: shop-\${cluster.name}\n  rolloutStrategy: careful\n  targets:\n    - clusterSelector: {}\n`,
}

describe('loadFleet', () => {
  test('reads every kind, where it stands and its labels', () => {
    const fleet = loadFleet(revision, toFiles(good))
    assert.equal(fleet.revision, revision)
    assert.deepEqual([...fleet.clusters.keys()], ['edge-1', 'edge-2'])
    assert.deepEqual(fleet.clusters.get('edge-2')?.labels, { region: 'us' })
    assert.equal(fleet.clusters.get('edge-2')?.line, 9)
    assert.equal(fleet.clusters.get('edge-2')?.file, 'clusters.yaml')
    assert.equal(fleet.groups.size + fleet.repositories.size + fleet.strategies.size, 3)
    assert.equal(fleet.applications.get('shop')?.spec.source.repository, 'apps')
  })

  test('in turns it reads the same, gives way after each file and finds the same faults', async () => {
    let asked = 0
    const turn = async (): Promise<void> => {
      asked += 1
    }
    const files = toFiles(good)
    assert.deepEqual(await loadFleetInTurns(revision, files, turn), loadFleet(revision, files))
    assert.equal(asked, files.length)
    const bad = {
      'a.yaml': good['clusters.yaml'],
      'b.yaml': `${head('Cluster', 'edge-1')}spec: 7\n`,
    }
    await assert.rejects(
      loadFleetInTurns(revision, toFiles(bad), turn),
      (error: HubError) =>
        error.code === 'fleet_invalid' &&
        error.faults.map(({ file, line }) => `${file}:${line}`).join() ===
          findFaults(bad)
            .map((words) => /^[^:]+:\d+/.exec(words)![0])
            .join(),
    )
  })

  for (const [name, text, place, words] of [
    ...badConfigurations,
    ...badKeeping,
    ...badCharts,
    ...badImages,
    ...badProjects,
    ...badAlerts,
    ...badGates,
    ...badInputs,
  ]) {
    test(`says where and what: ${name}`, () => {
      const faults = findFaults({ ...good, 'bad.yaml': text })
      const there = faults.filter((fault) => fault.startsWith(`bad.yaml:${place} `))
      assert.ok(
        there.some((fault) => words.test(fault)),
        `expected ${place} ${words}, got:\n${faults.join('\n')}`,
      )
      if (/^B\d/.test(name)) tells(name, there.join('\n'))
    })
  }

  test('reads tenants, measures and alerts', () => {
    const fleet = loadFleet(
      revision,
      toFiles({
        ...good,
        'tenant.yaml': `${head('Project', 'team-a')}spec:
  sources: [{ repository: apps, paths: [team-a/**] }, { url: "https://git.example/team-a/*" }]
  destinations: [{ clusterGroup: europe, namespaces: [team-a, team-a-*] }]
  kinds: { clusterScoped: { allow: [Namespace] }, namespaced: { deny: [ResourceQuota] } }
  roles: [{ name: dev, groups: [team-a], allow: [{ actions: [read, start] }] }]
  windows: [{ kind: deny, schedule: "0 18 * * 5", duration: 62h, timeZone: Europe/Berlin }]
`,
        'metric.yaml': `${head('MetricTemplate', 'errors')}spec:
  provider: { type: prometheus, address: "https://prom.example" }
  query: rate(errors{cluster="\${cluster.name}"}[5m])
  success: { max: 0.01 }
`,
        'alert.yaml': [
          `${head('NotificationProvider', 'ops')}spec: { type: slack, credential: ops-slack }\n`,
          `${head('Alert', 'failures')}spec:\n  providers: [ops]\n  eventSources: [{ kind: Rollout }]\n`,
          `${head('Application', 'till')}spec:\n  dependsOn: [{ name: shop }]\n  source: { path: till }\n  targets: [{ clusters: [edge-1] }]\n`,
        ].join('---\n'),
      }),
    )
    assert.deepEqual(
      [fleet.projects, fleet.metricTemplates, fleet.notificationProviders, fleet.alerts].map(
        (map) => [...map.keys()].join(),
      ),
      ['team-a', 'errors', 'ops', 'failures'],
    )
    assert.deepEqual(fleet.warnings, [])
  })

  test('B77: tells a circle of applications once, with its whole way', () => {
    const one = (name: string, on: string) =>
      `${head('Application', name)}spec:\n  dependsOn: [{ name: ${on} }]\n  source: { path: x }\n  targets: [{ clusters: [edge-1] }]\n`
    const files = { 'x.yaml': [one('x', 'y'), one('y', 'z'), one('z', 'x')].join('---\n') }
    assert.deepEqual(findFaults({ ...good, ...files }), [
      'x.yaml:6:15 depends on itself: x → y → z → x',
    ])
  })

  test('reports every fault of every file at once, in order', () => {
    const faults = findFaults({
      ...good,
      'b.yaml': `${head('Cluster', 'B')}spec:\n  suspend: 1\n  colour: red\n`,
      'a.yaml': withTarget('clusters: [p, q]'),
    })
    assert.deepEqual(
      faults.map((fault) => fault.split(' ')[0]),
      ['a.yaml:9:18', 'a.yaml:9:21', 'b.yaml:4:9', 'b.yaml:6:12', 'b.yaml:7:3'],
    )
  })

  test('tells both places of a duplicate name', () => {
    const [fault] = findFaults({ ...good, 'more.yaml': `${head('Cluster', 'edge-2')}spec: {}\n` })
    assert.equal(fault, 'more.yaml:4:9 is declared already at clusters.yaml:12')
  })

  test('tells what is wrong on many clusters once', () => {
    const faults = findFaults({
      ...good,
      'bad.yaml': withTarget('clusterSelector: {}\nnamespace: n-${cluster.labels.zone}'),
    })
    assert.deepEqual(faults, [
      'bad.yaml:10:18 ${cluster.labels.zone}: cluster edge-1 has no label "zone" (and on 1 more clusters)',
    ])
  })

  test('leaves other YAML alone: manifests, Helm templates, a document that only quotes ours', () => {
    const fleet = loadFleet(
      revision,
      toFiles({
        ...good,
        'deployment.yaml': 'apiVersion: apps/v1\nkind: Deployment\nspec: {}\n',
        'chart/templates/x.yaml': 'apiVersion: v1\nkind: {{ .Values.kind }}\n{{- if x }}\n',
        'quoting.yaml': `apiVersion: v1\nkind: ConfigMap\ndata:\n  x: |\n    apiVersion: groundswell.dev/v1alpha1\n    kind: Nothing\n`,
        'notes.txt': head('Nothing', 'x'),
      }),
    )
    assert.equal(fleet.clusters.size, 2)
  })

  test('B40a: reads UTF-8 with a mark, and says of UTF-16 what it is', () => {
    const text = `${head('Cluster', 'edge-3')}spec: {}\n`
    const load = (bytes: Uint8Array) => loadFleet(revision, [{ path: 'x.yaml', bytes }])
    assert.ok(load(Buffer.from(`\uFEFF${text}`)).clusters.has('edge-3'))
    const little = Buffer.from(`\uFEFF${text}`, 'utf16le')
    for (const bytes of [little, Buffer.from(little).swap16()]) {
      assert.throws(() => load(bytes), /x\.yaml:1:1: is UTF-16; save it as UTF-8/)
    }
    // Of another program, as it may be.
    assert.equal(load(Buffer.from('\uFEFFa: 1\n', 'utf16le')).clusters.size, 0)
  })

  test('B40a: refuses 10 MB on one line, NUL and broken UTF-8', () => {
    const text = `${head('Cluster', 'edge-3')}spec: {}\n`
    const faults = (more: Uint8Array) => {
      const bytes = Buffer.concat([Buffer.from(text), more])
      assert.throws(
        () => loadFleet(revision, [{ path: 'x.yaml', bytes }]),
        /x\.yaml:1:1: (larger than 1048576 bytes|not UTF-8 text)/,
      )
    }
    faults(Buffer.from(`# ${'x'.repeat(10_000_000)}`))
    faults(Buffer.from('# \0'))
    faults(Uint8Array.of(0x23, 0xff))
  })

  test('names the alias whose anchor is in another document, at its place', () => {
    const selector = '{ matchLabels: { ring: canary } }'
    const faults = findFaults({
      ...good,
      'shared.yaml': `shared: &selector ${selector}\n---\n${head('ClusterGroup', 'more')}spec:\n  selector: *selector\n`,
    })
    assert.deepEqual(faults, [
      'shared.yaml:8:13 *selector names no anchor before it in the same document; write it out',
    ])
  })

  test('B33, B34: stops at an alias bomb and at deep nesting with a fault, not a crash', () => {
    const bomb = Array.from({ length: 9 }, (_, index) => {
      const list = Array.from({ length: 9 }, () => (index ? `*a${index - 1}` : 'x'))
      return `    a${index}: &a${index} [${list.join(', ')}]`
    })
    const faults = findFaults({
      ...good,
      'bomb.yaml': withTarget(
        `clusters: [edge-1]\nvalues:\n${bomb.join('\n').replace(/^ {2}/gm, '')}`,
      ),
      'deep.yaml': `${head('Cluster', 'c')}spec: ${'['.repeat(20_000)}\n`,
    })
    assert.ok(
      faults.some((fault) => /^bomb.yaml.*alias/.test(fault)),
      faults.join('\n'),
    )
    assert.ok(faults.some((fault) => fault.startsWith('deep.yaml')))
  })
})
