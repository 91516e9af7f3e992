import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { identify } from '../../../../hub/sync/identity.ts'

const enrolled = ['cluster1', 'cluster10', 'id-2'].map((clusterId) => ({
  cluster: `name of ${clusterId}`,
  clusterId,
  clusterUid: 'uid',
  boundKey: '',
  enrolledAt: 0,
}))
const uri = (id: string, fleet = 'f') => `URI:spiffe://${fleet}/cluster/${id}`

describe('identify', () => {
  const cases: readonly (readonly [string, string | undefined, string | null])[] = [
    ['the name on record', uri('cluster1'), 'cluster1'],
    ['a name that begins like another', uri('cluster10'), 'cluster10'],
    ['only the beginning of a name', uri('cluster'), null],
    ['more than a name', uri('cluster100'), null],
    ['another case of the name', uri('Cluster1'), null],
    ['another case of the fleet', uri('cluster1', 'F'), null],
    ['another fleet', uri('cluster1', 'g'), null],
    ['a trailing dot', `${uri('cluster1')}.`, null],
    ['a trailing slash', `${uri('cluster1')}/`, null],
    ['a query', `${uri('cluster1')}?x`, null],
    ['two names, the right one first', `${uri('cluster1')}, ${uri('id-2')}`, null],
    ['two names, the right one last', `DNS:evil.example, ${uri('cluster1')}`, null],
    ['the same name twice', `${uri('cluster1')}, ${uri('cluster1')}`, null],
    ['a quoted name', `URI:"spiffe://f/cluster/cluster1"`, null],
    ['the name as DNS', 'DNS:spiffe://f/cluster/cluster1', null],
    ['another scheme', 'URI:https://f/cluster/cluster1', null],
    ['the display name', uri('name of cluster1'), null],
    ['no name', '', null],
    ['no names at all', undefined, null],
  ]
  for (const [title, subjectaltname, expected] of cases) {
    test(`${title} is ${expected === null ? 'refused' : 'that cluster'}`, () => {
      const verdict = identify({ subjectaltname }, 'f', enrolled)
      assert.equal(verdict.ok ? verdict.enrolment.clusterId : null, expected)
    })
  }

  test('no certificate, or nobody enrolled, is refused with its reason', () => {
    assert.deepEqual(identify(undefined, 'f', enrolled), {
      ok: false,
      reason: 'no client certificate',
    })
    const verdict = identify({ subjectaltname: uri('cluster1') }, 'f', [])
    assert.equal(verdict.ok, false)
  })
})
