import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Enrolment } from '../../../../hub/ledger/entry.ts'
import { emptyMembership, foldMembership } from '../../../../hub/ledger/membership.ts'
import { identify } from '../../../../hub/sync/identity.ts'
import { formatSerial } from '../../../../hub/sync/serial-number.ts'

const enrolled: readonly Enrolment[] = ['cluster1', 'cluster10', 'id-2'].map((clusterId) => ({
  cluster: `name of ${clusterId}`,
  clusterId,
  clusterUid: 'uid',
  boundKey: '',
  enrolledAt: 0,
  series: 2,
}))
const serialNumber = formatSerial(2, 7, Buffer.alloc(9, 0xab)).toUpperCase()
const ext_key_usage = ['1.3.6.1.5.5.7.3.2']

function membersOf(enrolments: readonly Enrolment[]) {
  const membership = emptyMembership()
  for (const enrolment of enrolments) {
    foldMembership(membership, { type: 'cluster.enrolled', enrolment, tokenId: '' }, 0)
  }
  return membership
}
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
    test(`B60: ${title} is ${expected === null ? 'refused' : 'that cluster'}`, () => {
      const peer = { subjectaltname, serialNumber, ext_key_usage }
      const verdict = identify(peer, 'f', membersOf(enrolled))
      assert.equal(verdict.ok ? verdict.enrolment.clusterId : null, expected)
    })
  }

  test('no certificate, or nobody enrolled, is refused with its reason', () => {
    assert.deepEqual(identify(undefined, 'f', membersOf(enrolled)), {
      ok: false,
      reason: 'no client certificate',
    })
    const peer = { subjectaltname: uri('cluster1'), serialNumber, ext_key_usage }
    assert.equal(identify(peer, 'f', membersOf([])).ok, false)
  })

  const subjectaltname = uri('cluster1')
  const others: readonly (readonly [string, object])[] = [
    ['for servers', { ext_key_usage: ['1.3.6.1.5.5.7.3.1'] }],
    ['for servers too', { ext_key_usage: [...ext_key_usage, '1.3.6.1.5.5.7.3.1'] }],
    ['for anything', { ext_key_usage: ['2.5.29.37.0'] }],
    ['for nothing', { ext_key_usage: [] }],
    ['without a number', { serialNumber: undefined }],
    ['with a number that is not of our making', { serialNumber: '7F' }],
    ['with the number of a server', { serialNumber: `02${'0'.repeat(30)}` }],
    ['of an older series', { serialNumber: formatSerial(1, 9, Buffer.alloc(9)) }],
    ['of a series to come', { serialNumber: formatSerial(3, 1, Buffer.alloc(9)) }],
  ]
  for (const [title, change] of others) {
    test(`B60: a certificate ${title} is refused`, () => {
      const peer = { subjectaltname, serialNumber, ext_key_usage, ...change }
      assert.equal(identify(peer, 'f', membersOf(enrolled)).ok, false)
    })
  }

  test('the number says series and generation, with or without its leading zero', () => {
    for (const text of [serialNumber, serialNumber.slice(1)]) {
      const peer = { subjectaltname, serialNumber: text, ext_key_usage }
      const verdict = identify(peer, 'f', membersOf(enrolled))
      assert(verdict.ok)
      const { series, generation } = verdict.certificate
      assert.deepEqual([series, generation], [2, 7])
    }
  })

  test('B60: who was revoked or locked is told so, and passes again once that has ended', () => {
    const membership = membersOf(enrolled)
    const peer = { subjectaltname, serialNumber, ext_key_usage }
    const [one] = enrolled
    const { cluster, clusterId } = one!
    foldMembership(membership, { type: 'cluster.locked', cluster, clusterId, reason: 'a copy' }, 0)
    const locked = identify(peer, 'f', membership)
    assert.deepEqual(locked, {
      ok: false,
      reason: 'this cluster is locked: a copy',
      barred: true,
    })
    const unlocked = { cluster, clusterId, series: 3, recoverable: 4, reason: '' } as const
    foldMembership(membership, { type: 'cluster.unlocked', ...unlocked }, 0)
    // Certificates from before the lock stay dead.
    assert.equal(identify(peer, 'f', membership).ok, false)
    const after = { ...peer, serialNumber: formatSerial(3, 1, Buffer.alloc(9)) }
    assert.equal(identify(after, 'f', membership).ok, true)
    foldMembership(membership, { type: 'cluster.revoked', cluster, reason: 'lost' }, 0)
    const revoked = identify(after, 'f', membership)
    assert.equal(!revoked.ok && revoked.reason, 'this cluster was revoked: lost')
  })
})
