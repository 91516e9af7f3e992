import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFleet } from '../../../hub/fleet/load/load.ts'
import { emptyState } from '../../../hub/ledger/replay.ts'
import { createSurvey } from '../../../hub/survey.ts'
import { collect } from '../../support/collect.ts'

const window = (rest: string) => `{ kind: deny, schedule: "0 0 * * *", duration: 1h${rest} }`
const cluster = `apiVersion: groundswell.dev/v1alpha1
kind: Cluster
metadata: { name: a }
spec: {}
---
`
const project = `apiVersion: groundswell.dev/v1alpha1
kind: Project
metadata: { name: default }
spec:
  sources: [{ repository: fleet }]
  destinations: [{ clusterSelector: {}, namespaces: ["*"] }]
  windows:
    - ${window('')}
    - ${window(', clusterSelector: {}').replace('1h', '24h')}
    - ${window(', clusters: [a], clusterSelector: { matchLabels: { env: prod }, matchExpressions: [{ key: lab, operator: DoesNotExist }] }')}
`

const group = `---
apiVersion: groundswell.dev/v1alpha1
kind: ClusterGroup
metadata: { name: everything }
spec:
  selector: {}
  windows: [{ kind: deny, schedule: "0 18 24 12 *", duration: 336h, timeZone: Europe/Berlin, reason: holidays }]
`
const lab = cluster
  .replace('{ name: a }', '{ name: lab }')
  .replace(
    'spec: {}',
    'spec: { windows: [{ kind: allow, schedule: "0 0 29 2 *", duration: 1h, applications: [web] }] }',
  )

function survey(now = 0) {
  const text = cluster + lab + project + group
  const fleet = loadFleet('main', [{ path: 'p.yaml', bytes: Buffer.from(text) }])
  return createSurvey({
    needFleet: () => fleet,
    register: { state: emptyState() },
    clock: () => now,
  } as never)
}

test('a window tells every condition on the clusters it is for', async () => {
  const windows = await collect(survey().windows(0))
  assert.deepEqual(
    windows.map(({ clusters, clusterGroup, clusterSelector }) => [
      ...[clusters, clusterGroup, clusterSelector],
    ]),
    [
      [[], null, null],
      [[], null, null],
      [['a'], null, 'env=prod,!lab'],
      [[], 'everything', null],
      [['lab'], null, null],
    ],
  )
})

test('windows of ClusterGroups and Clusters are told as those of Projects are, and where each stands', async () => {
  const [during, before] = ['2026-12-31T00:00:00Z', '2026-11-26T00:30:00Z'].map(Date.parse)
  const read = async (now: number | undefined) =>
    (await collect(survey(now).windows(1))).map(
      ({ ownerKind, owner, open, until }) => `${ownerKind} ${owner}: ${open} ${until}`,
    )
  assert.deepEqual(await read(during), [
    'Project default: true null',
    'Project default: true 2026-12-31T01:00:00.000Z',
    'ClusterGroup everything: true 2027-01-07T17:00:00.000Z',
    'Cluster lab: false 2028-02-29T00:00:00.000Z',
  ])
  assert.deepEqual(await read(before), [
    'Project default: true null',
    'Project default: true 2026-11-26T01:00:00.000Z',
    'ClusterGroup everything: false 2026-12-24T17:00:00.000Z',
    'Cluster lab: false 2028-02-29T00:00:00.000Z',
  ])
})
