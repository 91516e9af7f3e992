import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { selectPolicies } from '../../../../hub/policy/policy.ts'
import { policyOf } from '../../../support/policies.ts'

const head = (kind: string, name: string, labels = '') =>
  `apiVersion: groundswell.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name}, labels: {${labels}} }\n`

const application = (name: string, labels: string, project = '') =>
  `${head('Application', name, labels)}spec: {${project} source: { path: ${name} }, targets: [{ clusterSelector: {} }] }\n`

const fleet = loadFleet('main@sha1:0', [
  {
    path: 'fleet.yaml',
    bytes: Buffer.from(
      [
        `${head('Cluster', 'eu', 'region: eu')}spec: {}\n`,
        `${head('Cluster', 'us', 'region: us')}spec: {}\n`,
        `${head('ClusterGroup', 'ours')}spec: { clusters: [us] }\n`,
        `${head('Project', 'team')}spec: { sources: [{ repository: fleet }], destinations: [{ clusterSelector: {}, namespaces: ["*"] }] }\n`,
        application('shop', 'tier: web', ' project: team,'),
        application('till', 'tier: back'),
      ].join('---\n'),
    ),
  },
])

/** Each policy with where it holds: `application@cluster`, sorted. */
const everywhere = ['shop@eu', 'shop@us', 'till@eu', 'till@us']
const cases = {
  'the whole fleet': [{}, everywhere],
  'one project': [{ projects: ['team'] }, ['shop@eu', 'shop@us']],
  'the project of those that name none': [{ projects: ['default'] }, ['till@eu', 'till@us']],
  'applications by their labels': [
    { applicationSelector: { matchLabels: { tier: 'web' } } },
    ['shop@eu', 'shop@us'],
  ],
  'clusters by their labels': [
    { clusterSelector: { matchLabels: { region: 'eu' } } },
    ['shop@eu', 'till@eu'],
  ],
  'clusters of a group': [{ clusterGroup: 'ours' }, ['shop@us', 'till@us']],
  'clusters by name': [{ clusters: ['eu'] }, ['shop@eu', 'till@eu']],
  'all of it together': [
    { projects: ['team'], clusterSelector: {}, clusters: ['us'] },
    ['shop@us'],
  ],
} as const

for (const [name, [spec, expected]] of Object.entries(cases)) {
  test(`a policy holds for ${name}, and for nothing else`, () => {
    const policy = policyOf({}, structuredClone(spec) as Parameters<typeof policyOf>[1])
    const found = everywhere.filter((each) => {
      const [of = '', on = ''] = each.split('@')
      return selectPolicies(fleet, [policy], { application: of, cluster: on }).length > 0
    })
    assert.deepEqual(found, expected)
  })
}

test('policies are asked by their names, and none of what is not there', () => {
  const policies = ['b', 'a'].map((name) => policyOf({}, {}, name))
  const names = selectPolicies(fleet, policies, { application: 'shop', cluster: 'eu' })
  assert.deepEqual(
    names.map((each) => each.name),
    ['a', 'b'],
  )
  assert.deepEqual(selectPolicies(fleet, policies, { application: 'gone', cluster: 'eu' }), [])
})
