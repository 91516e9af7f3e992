import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Decision } from '../../../../hub/ledger/entry.ts'
import { describeChange, describeEntry, describeGap, isGap } from '../../../../hub/status/event.ts'
import type { ClusterStatus } from '../../../../hub/status/status.ts'
import { plan, wave } from '../rollout/world.ts'
import { application, cluster } from './known-world.ts'

const revision = `main@sha1:${'1234abc'.padEnd(40, '0')}`

describe('describeEntry', () => {
  const made = plan([wave('one', ['a', 'b'])], { revision })
  const enrolment = { cluster: 'a', clusterId: 'i', clusterUid: 'u', boundKey: '', enrolledAt: 0 }
  const hold = {
    application: 'shop',
    contentDigest: digestOf('x'),
    revision,
    rollout: 'r1',
    at: 0,
    reason: 'crash loop',
  }
  const token = { tokenId: 't', cluster: 'a', key: 'the hash of a secret', expiresAt: 0 }
  const moved = { type: 'rollout.moved', rollout: 'r1', cause: 'pause', reason: 'lunch' } as const
  const cases: readonly (readonly [Decision, string, string])[] = [
    [{ type: 'fleet.accepted', revision }, 'fleet/fleet', 'accepted main@sha1:1234abc'],
    [
      { type: 'rollout.created', plan: made },
      'rollout/r1',
      'shop: main@sha1:1234abc to 2 clusters',
    ],
    [
      { ...moved, change: { version: 2, phase: 'Paused', message: 'paused by ada' } },
      'rollout/r1',
      'Paused: paused by ada',
    ],
    [{ ...moved, change: { version: 2 } }, 'rollout/r1', 'lunch'],
    [{ type: 'hold.set', hold }, 'application/shop', 'main@sha1:1234abc is held: crash loop'],
    [
      { type: 'hold.released', application: 'shop', reason: 'mended' },
      'application/shop',
      'mended',
    ],
    [{ type: 'token.created', token }, 'cluster/a', 'a join token was made'],
    [{ type: 'cluster.enrolled', enrolment, tokenId: 't' }, 'cluster/a', 'joined'],
    [{ type: 'cluster.revoked', cluster: 'a', reason: 'sold' }, 'cluster/a', 'revoked: sold'],
  ]
  for (const [decision, subject, message] of cases) {
    test(`${decision.type} says: ${message}`, () => {
      const entry = { index: 1, previous: digestOf(''), at: 0, actor: 'ada', decision }
      assert.deepEqual(describeEntry(entry), {
        type: decision.type,
        actor: 'ada',
        subject,
        message,
      })
    })
  }
})

describe('describeChange', () => {
  const told = (before: ClusterStatus, next: ClusterStatus) =>
    describeChange(before, next).map(
      ({ type, subject, message }) => `${type} ${subject}: ${message}`,
    )
  const with_ = (rest: Parameters<typeof application>[1] = {}) =>
    cluster('a', { applications: { shop: application('shop', rest) } })

  test('says nothing when nothing worth telling changed', () => {
    assert.deepEqual(told(with_(), with_()), [])
    assert.deepEqual(told(with_(), { ...with_(), lastSeen: 99, sequence: 7 }), [])
    assert.deepEqual(told(with_({ driftedObjects: 2 }), with_({ driftedObjects: 1 })), [])
  })

  test('tells of connections that come and go', () => {
    const away = cluster('a', { connection: { state: 'Disconnected', since: 1 } })
    assert.deepEqual(told(away, cluster('a')), ['cluster.connected cluster/a: connected'])
    assert.deepEqual(told(cluster('a'), away), ['cluster.disconnected cluster/a: disconnected'])
  })

  test('tells a refusal once', () => {
    const refused = cluster('a', { refusal: { code: 'rollback', message: 'older' } })
    assert.deepEqual(told(cluster('a'), refused), ['snapshot.refused cluster/a: rollback: older'])
    assert.deepEqual(told(refused, { ...refused }), [])
    assert.deepEqual(told(refused, cluster('a')), [])
  })

  test('tells of drift with object and field, and of its repair', () => {
    const field = { path: '/spec/replicas', desired: '1', live: '2', manager: 'kubectl' }
    const drift = [
      { object: 'apps/Deployment/n/web', missing: false, firstSeen: 0, fields: [field] },
    ]
    const drifted = with_({ driftedObjects: 1, drift })
    assert.deepEqual(told(with_(), drifted), [
      'drift.detected application/shop: a: apps/Deployment/n/web drifted /spec/replicas by kubectl',
    ])
    const missing = with_({
      driftedObjects: 1,
      drift: [{ ...drift[0]!, missing: true, fields: [] }],
    })
    assert.deepEqual(told(with_(), missing), [
      'drift.detected application/shop: a: apps/Deployment/n/web is missing',
    ])
    assert.deepEqual(told(drifted, with_({ healed: 1 })), [
      'drift.healed application/shop: a: put right',
    ])
  })

  test('tells of each object that drifts, though one that did before is put right', () => {
    const one = (object: string) => ({ object, missing: true, firstSeen: 0, fields: [] })
    const state = (...names: string[]) =>
      with_({ driftedObjects: names.length, drift: names.map(one) })
    assert.deepEqual(told(state('a/B/n/x'), state('a/B/n/y')), [
      'drift.detected application/shop: a: a/B/n/y is missing',
    ])
    assert.deepEqual(told(state('a/B/n/x'), state('a/B/n/x', 'a/B/n/y', 'a/B/n/z')), [
      'drift.detected application/shop: a: a/B/n/y is missing and 1 more',
    ])
    assert.deepEqual(told(state('a/B/n/x', 'a/B/n/y'), state('a/B/n/y')), [])
  })

  test('says once who undoes repairs', () => {
    const one = { object: 'apps/Deployment/n/web', missing: false, firstSeen: 0, fields: [] }
    const seen = with_({ driftedObjects: 1, drift: [one] })
    const contested = with_({ driftedObjects: 1, drift: [{ ...one, contestedBy: 'robot' }] })
    assert.deepEqual(told(seen, contested), [
      'drift.contested application/shop: a: robot undoes repairs of apps/Deployment/n/web; one a minute is made',
    ])
    assert.deepEqual(told(contested, contested), [])
  })

  test('tells a failure once, with its first error, file or none', () => {
    const error = { object: '/Pod/n/x', file: 'x.yaml', code: 'apply_invalid', message: 'no' }
    const failed = with_({ phase: 'Failed', errors: [error] })
    assert.deepEqual(told(with_(), failed), [
      'application.failed application/shop: a: x.yaml: /Pod/n/x: no',
    ])
    assert.deepEqual(told(failed, failed), [])
    const generated = with_({ phase: 'Failed', errors: [{ ...error, file: '' }] })
    assert.deepEqual(told(with_(), generated), [
      'application.failed application/shop: a: /Pod/n/x: no',
    ])
    assert.deepEqual(told(with_(), with_({ phase: 'Failed' })), [
      'application.failed application/shop: a: failed',
    ])
  })

  test('tells health with how many objects are ready, repairs of an agent’s last life not again', () => {
    assert.deepEqual(told(with_(), with_({ health: 'InProgress', readyObjects: 1 })), [
      'health.changed application/shop: a: InProgress (1/2)',
    ])
    assert.deepEqual(told(cluster('a'), with_({ healed: 8 })), [
      'health.changed application/shop: a: Current (2/2)',
    ])
  })
})

describe('describeGap', () => {
  test('names the event that the gap is after, and is told apart from events', () => {
    const gap = describeGap('5-0', '9-1')
    const message = 'events after 5-0 are kept no more: read anew what they told of'
    assert.deepEqual(gap, { after: '5-0', oldest: '9-1', message })
    assert.match(describeGap('0', '9-1').message, /^the oldest events are kept no more/)
    const event = { type: 'x', actor: 'hub', subject: 'fleet/fleet', message: '' }
    assert.deepEqual([gap, { ...event, id: '9-1', at: '' }].map(isGap), [true, false])
  })
})
