import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findGateFacts } from '../../../../hub/status/gate-facts.ts'
import type { ApplicationStatus, ClusterStatus } from '../../../../hub/status/status.ts'
import { application, assignment, cluster, knownOf } from './known-world.ts'

const connected: ClusterStatus['connection'] = { state: 'Connected', since: 10, replica: 'r' }
const away: ClusterStatus['connection'] = { state: 'Disconnected', since: 30 }

describe('what a condition of a gate looks at', () => {
  function look(connection: ClusterStatus['connection'], rest: Partial<ApplicationStatus> = {}) {
    const status = cluster('a', { connection, applications: { shop: application('shop', rest) } })
    const known = knownOf([assignment('a', 'shop')], [status])
    const facts = findGateFacts(known, 'shop', ['a'])
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
