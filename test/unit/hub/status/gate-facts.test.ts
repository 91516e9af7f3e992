import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { findGateFacts, type GateFactsInput } from '../../../../hub/status/gate-facts.ts'
import type { ApplicationStatus, ClusterStatus } from '../../../../hub/status/status.ts'
import { application, assignment, cluster, knownOf } from './known-world.ts'

const connected: ClusterStatus['connection'] = { state: 'Connected', since: 10, replica: 'r' }
const away: ClusterStatus['connection'] = { state: 'Disconnected', since: 30 }

describe('what a condition of a gate looks at', () => {
  function look(connection: ClusterStatus['connection'], rest: Partial<ApplicationStatus> = {}) {
    const status = cluster('a', { connection, applications: { shop: application('shop', rest) } })
    const known = knownOf([assignment('a', 'shop')], [status])
    const facts = findGateFacts({ ...known, heardBy: 0 }, 'shop', ['a'])
    const { health, current } = facts.clusters[0]!.applications['shop']!
    return { health, current, counts: facts.fleet.health }
  }

  test('is what an agent says now', () => {
    assert.deepEqual(look(connected), { health: 'Current', current: true, counts: { Current: 1 } })
    assert.equal(look(connected, { generation: 0 }).current, false)
  })

  // A condition on all clusters being well was true while one of them was away for days.
  test('I8 is nothing good that was said before the stream was opened, or of a cluster that is away', () => {
    const unknown = { health: 'Unknown', current: false, counts: { Unknown: 1 } }
    assert.deepEqual(look(away), unknown)
    assert.deepEqual(look(connected, { updatedAt: 9 }), unknown)
  })

  // Nothing failed of what nobody had told yet: gates opened while a hub started.
  test('is nothing at all while a hub that has just started has still to hear of it', () => {
    const told = (updatedAt: number) =>
      cluster('a', { applications: { shop: application('shop', { updatedAt }) } })
    const known =
      (status: ClusterStatus, rest: Partial<GateFactsInput> = {}) =>
      () =>
        findGateFacts(
          { ...knownOf([assignment('a', 'shop')], [status]), heardBy: 30, now: 29, ...rest },
          'shop',
          ['a'],
        )
    const unready = (words: RegExp) => (error: unknown) =>
      error instanceof HubError && error.code === 'not_ready' && words.test(error.message)
    assert.throws(known(told(20), { fleet: null }), unready(/fleet repository was not read yet/))
    assert.throws(known(cluster('a')), unready(/just started, and a has not said yet how it is/))
    assert.throws(known(told(9)), unready(/just started/))
    assert.deepEqual(known(told(20))().fleet.health, { Current: 1 })
    assert.deepEqual(known(cluster('a'), { now: 30 })().fleet.health, {}, 'it had its time')
  })

  test('is what was wrong when it was last heard of', () => {
    const failed = { health: 'Failed', current: false, counts: { Failed: 1 } }
    assert.deepEqual(look(away, { health: 'Failed' }), failed)
  })

  test('is judged by the rules that rollouts go by, where they are stricter', () => {
    const gate = { health: 'InProgress', objects: [] } as const
    const told = look(connected, { gate })
    assert.deepEqual(told, { health: 'InProgress', current: true, counts: { InProgress: 1 } })
  })
})
