import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { unknownCluster } from '../../../../hub/status/fold.ts'
import { readRemembered } from '../../../../hub/status/remembered.ts'
import type { ClusterStatus } from '../../../../hub/status/status.ts'
import { createStatuses } from '../../../../hub/status/statuses.ts'
import { settle } from '../../../support/manual-clock.ts'

function world(saved: readonly ClusterStatus[] = []) {
  const writes: string[][] = []
  const changes: [ClusterStatus, ClusterStatus][] = []
  const errors: unknown[] = []
  const timers: { ms: number; run: () => void }[] = []
  const disk = { broken: false }
  const statuses = createStatuses({
    store: {
      load: async (now) =>
        saved.flatMap((one) => readRemembered(one.cluster, JSON.stringify(one), now) ?? []),
      async save(list) {
        if (disk.broken) throw new Error('away')
        writes.push(list.map(({ cluster, nodes }) => `${cluster}=${nodes}`))
      },
      remove: async () => {},
    },
    onChange: (next, before) => changes.push([next, before]),
    onError: (error) => errors.push(error),
    later: (ms, run) => timers.push({ ms, run }),
  })
  return {
    statuses,
    writes,
    changes,
    errors,
    timers,
    disk,
    nodes: (cluster: string, nodes: number) =>
      statuses.update(cluster, (status) => ({ ...status, nodes })),
    async ring() {
      for (const { run } of timers.splice(0)) run()
      await settle()
    },
  }
}

describe('createStatuses', () => {
  test('a change is known at once, told with what was before, and written later', async () => {
    const { statuses, writes, changes, nodes, ring } = world()
    nodes('a', 3)
    assert.equal(statuses.get('a').nodes, 3)
    assert.deepEqual(changes, [[{ ...unknownCluster('a'), nodes: 3 }, unknownCluster('a')]])
    assert.deepEqual(writes, [])
    await ring()
    assert.deepEqual(writes, [['a=3']])
  })

  test('many changes are written together, each cluster once, with the newest', async () => {
    const { writes, timers, nodes, ring } = world()
    for (let n = 1; n <= 100; n += 1) nodes(n % 2 ? 'a' : 'b', n)
    assert.equal(timers.length, 1)
    await ring()
    assert.deepEqual(writes, [['a=99', 'b=100']])
    nodes('b', 7)
    await ring()
    assert.deepEqual(writes, [['a=99', 'b=100'], ['b=7']])
  })

  test('what could not be written is tried again, with what changed since', async () => {
    const { writes, errors, disk, nodes, ring } = world()
    disk.broken = true
    nodes('a', 1)
    await ring()
    assert.equal(errors.length, 1)
    nodes('b', 2)
    await ring()
    disk.broken = false
    nodes('a', 3)
    await ring()
    assert.deepEqual(writes, [['a=3', 'b=2']])
    await ring()
    assert.equal(writes.length, 1)
  })

  test('I8 nothing read back counts as connected', async () => {
    const saved = (cluster: string, connection: ClusterStatus['connection']) => ({
      ...unknownCluster(cluster),
      connection,
    })
    const { statuses, changes } = world([
      saved('a', { state: 'Connected', since: 5, replica: 'r' }),
      saved('b', { state: 'Disconnected', since: 6 }),
      saved('c', { state: 'NeverConnected' }),
    ])
    await statuses.load(99)
    assert.deepEqual(
      statuses.all().map(({ connection }) => connection),
      [
        { state: 'Disconnected', since: 99 },
        { state: 'Disconnected', since: 6 },
        { state: 'NeverConnected' },
      ],
    )
    assert.deepEqual(changes, [])
  })

  test('what was heard before the store answered is newer than what it holds', async () => {
    const { statuses, nodes } = world([{ ...unknownCluster('a'), nodes: 1 }])
    const loading = statuses.load(0)
    nodes('a', 2)
    await loading
    assert.equal(statuses.get('a').nodes, 2)
  })

  test('everything is written again once the store was lost', async () => {
    const { statuses, writes, nodes, ring } = world()
    nodes('a', 1)
    nodes('b', 2)
    await ring()
    await statuses.saveAll()
    assert.deepEqual(writes[1], ['a=1', 'b=2'])
  })
})
