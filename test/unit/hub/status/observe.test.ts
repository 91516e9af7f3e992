import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { observeCluster } from '../../../../hub/status/observe.ts'
import { application, cluster } from './known-world.ts'

describe('observeCluster', () => {
  test('gives exactly the digest and generation that were reported', () => {
    const status = cluster('a', {
      applications: { shop: application('shop', { digest: digestOf('x'), generation: 7 }) },
    })
    assert.deepEqual(observeCluster(status, 'shop'), {
      connected: true,
      since: 10,
      refusal: null,
      application: {
        digest: digestOf('x'),
        generation: 7,
        phase: 'Applied',
        health: 'Current',
        message: '',
      },
    })
    assert.equal(observeCluster(status, 'web').application, null)
  })

  test('a cluster that is not connected says since when', () => {
    const away = cluster('a', { connection: { state: 'Disconnected', since: 5 } })
    const never = cluster('a', { connection: { state: 'NeverConnected' } })
    assert.deepEqual(
      [away, never].map((status) => {
        const { connected, since } = observeCluster(status, 'shop')
        return [connected, since]
      }),
      [
        [false, 5],
        [false, 0],
      ],
    )
  })

  test('I8 what was reported before the stream was opened is no fact of now', () => {
    const applications = { shop: application('shop', { updatedAt: 9 }) }
    const seen = observeCluster(cluster('a', { applications }), 'shop')
    assert.deepEqual([seen.application, seen.unheard], [null, true])
    assert.equal(observeCluster(cluster('a'), 'shop').unheard, undefined)
  })

  test('a refusal counts, unless it ends without other content: by asking again, or by an approval', () => {
    const refused = (code: string) =>
      observeCluster(cluster('a', { refusal: { code, message: 'words' } }), 'shop').refusal
    assert.equal(refused('wrong_audience'), 'wrong_audience: words')
    assert.equal(refused('content_missing'), null)
    assert.equal(refused('approval_missing'), null)
    assert.equal(refused('root_behind'), null)
    assert.equal(refused('approval_invalid'), null)
    assert.equal(refused('approval'), 'approval: words')
  })

  test('the first error is named with its file, else the first unhealthy object', () => {
    const messageOf = (rest: Parameters<typeof application>[1]) => {
      const status = cluster('a', { applications: { shop: application('shop', rest) } })
      return observeCluster(status, 'shop').application?.message
    }
    const error = { object: '/Pod/n/x', file: 'x.yaml', code: 'apply_invalid', message: 'no' }
    const unhealthy = [{ object: '/Pod/n/y', health: 'Failed', message: 'crashed' }] as const
    assert.equal(messageOf({ errors: [error], unhealthy }), 'x.yaml: /Pod/n/x: no (apply_invalid)')
    assert.equal(messageOf({ errors: [{ ...error, file: '' }] }), '/Pod/n/x: no (apply_invalid)')
    assert.equal(messageOf({ errors: [{ ...error, file: '', object: '' }] }), 'no (apply_invalid)')
    assert.equal(messageOf({ unhealthy }), '/Pod/n/y is Failed: crashed')
  })

  test('a gate goes by the stricter health, and names what it waits for', () => {
    const objects = [
      { object: 'batch/Job/n/j', health: 'InProgress', message: 'runs, and is not complete' },
    ] as const
    const gate = { health: 'InProgress', objects } as const
    const status = cluster('a', { applications: { shop: application('shop', { gate }) } })
    const seen = observeCluster(status, 'shop').application
    assert.equal(status.applications['shop']?.health, 'Current')
    assert.equal(seen?.health, 'InProgress')
    assert.equal(seen.message, 'batch/Job/n/j is InProgress: runs, and is not complete')
  })
})
