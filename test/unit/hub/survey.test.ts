import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFleet } from '../../../hub/fleet/load.ts'
import { emptyState } from '../../../hub/ledger/replay.ts'
import { createSurvey } from '../../../hub/survey.ts'

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
    - ${window(', clusterSelector: {}')}
    - ${window(', clusters: [a], clusterSelector: { matchLabels: { env: prod }, matchExpressions: [{ key: lab, operator: DoesNotExist }] }')}
`

test('a window tells every condition on the clusters it is for', () => {
  const fleet = loadFleet('main', [{ path: 'p.yaml', bytes: Buffer.from(cluster + project) }])
  const survey = createSurvey({
    needFleet: () => fleet,
    register: { state: emptyState() },
  } as never)
  assert.deepEqual(
    survey
      .windows()
      .map(({ clusters, clusterGroup, clusterSelector }) => [
        ...[clusters, clusterGroup, clusterSelector],
      ]),
    [
      [[], null, null],
      [[], null, null],
      [['a'], null, 'env=prod,!lab'],
    ],
  )
})
