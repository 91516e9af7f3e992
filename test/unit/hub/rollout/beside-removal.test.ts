import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLeavingHub, everywhere, gated, ungated } from './leaving-world.ts'

// It waited for a window of the cluster that the removal was to come to, or for the approval of that.
describe('new content for others beside a removal that has not come anywhere yet', () => {
  const act = { application: 'shop', cluster: 'c0', actor: 'alice' } as const
  const freeze = { kind: 'deny', group: 'twos', application: 'shop' } as const
  const shut = {
    second: ['c4'],
    windows: [true, false].map((odd) => ({ ...freeze, odd })),
  } as const
  const leaves = { ...ungated, excluded: ['c4'] } as const

  async function begin() {
    const hub = await createLeavingHub({ shop: ungated })
    await hub.commit({ shop: leaves }, shut)
    const runs = (name: string) =>
      hub.world.hub.state.assignedTo.get('shop')!.get(name)!.revision.slice(0, 6)
    return { ...hub, runs }
  }

  test('goes out at once, and the removal goes along once it may', async () => {
    const hub = await begin()
    await hub.commit({ shop: { ...leaves, version: 5 } })
    await hub.goOn()
    assert.deepEqual([hub.runs('c0'), hub.runs('c4')], ['shop 5', 'shop 0'])
    await hub.commit({}, { windows: [] })
    await hub.goOn()
    assert.deepEqual(hub.has('shop'), ['c0', 'c1', 'c2', 'c3'])
  })

  test('takes it along behind the gates that the new content has', async () => {
    const hub = await createLeavingHub({ shop: gated })
    await hub.approve('shop')
    await hub.commit({ shop: { ...gated, excluded: ['c4'] } })
    await hub.commit({ shop: { ...gated, excluded: ['c4'], version: 5 } })
    await hub.goOn()
    assert.equal(hub.phases('shop'), 'Succeeded Superseded Progressing')
    assert.equal(hub.has('shop').length, 5, 'its gate is closed')
    await hub.approve('shop')
    assert.deepEqual(hub.has('shop'), ['c0', 'c1', 'c2', 'c3'])
  })

  // In line behind a removal it waited for ever: that waited for what depends on it, and this for what stood in line.
  for (const supersede of ['replace', 'queue'] as const) {
    test(`comes before it where that waits for what depends on it: ${supersede}`, async () => {
      const shop = { ...gated, dependsOn: ['db'] } as const
      const db = { ...ungated, strategy: { ...ungated.strategy, supersede } }
      const hub = await createLeavingHub({ shop, db })
      await hub.approve('shop')
      const excluded = ['c4'] as const
      await hub.commit({ shop: { ...shop, excluded }, db: { ...db, excluded } })
      for (const version of [1, 2]) {
        await hub.commit({
          shop: { ...shop, excluded, version },
          db: { ...db, excluded, version },
        })
        await hub.goOn()
      }
      assert.deepEqual([hub.has('shop'), hub.has('db')], [everywhere, everywhere])
      await hub.approve('shop')
      await hub.goOn()
      const rest = everywhere.slice(0, 4)
      assert.deepEqual([hub.has('shop'), hub.has('db')], [rest, rest])
      assert.match(hub.phases('db'), /Superseded Superseded Succeeded$/)
    })
  }

  test('waits for a person who paused the removal', async () => {
    const hub = await begin()
    await hub.world.perform({ kind: 'act', action: 'pause', ...act })
    await hub.commit({ shop: { ...leaves, version: 5 } }, { windows: [] })
    await hub.goOn()
    assert.deepEqual([hub.runs('c0'), hub.has('shop').length], ['shop 0', 5])
    assert.equal(hub.phases('shop'), 'Succeeded Paused Planned')
  })
})
