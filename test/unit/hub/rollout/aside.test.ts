import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLeavingHub, everywhere, gated } from './leaving-world.ts'

// What was aborted elsewhere came to it once it was suspended no more, since nobody else had been given just that.
describe('a cluster that has content of its own, and was suspended when others were to get theirs by the same commit', () => {
  const act = { application: 'shop', cluster: 'c0', actor: 'alice' } as const
  const next = { ...gated, version: 1, overrides: { c4: 2 } } as const

  async function begin(action: 'abort' | 'rollback') {
    const hub = await createLeavingHub({ shop: gated })
    await hub.approve('shop')
    await hub.commit({ shop: next }, { suspended: ['c4'] })
    await hub.world.perform({ kind: 'act', action, ...act })
    await hub.goOn()
    await hub.commit({}, { suspended: [] })
    await hub.goOn()
    return hub
  }
  const ended = { abort: 'Aborted', rollback: 'RolledBack' }

  for (const action of ['abort', 'rollback'] as const) {
    test(`gets it not by itself once that was ended by ${action}, and by a person's word`, async () => {
      const hub = await begin(action)
      assert.equal(hub.phases('shop'), `Succeeded ${ended[action]}`)
      await hub.world.perform({ kind: 'launch', application: 'shop' })
      await hub.goOn()
      await hub.approve('shop')
      const { assignedTo } = hub.world.hub.state
      assert.deepEqual(hub.has('shop'), everywhere)
      assert.match(assignedTo.get('shop')!.get('c4')!.revision, /^shop 2/)
    })

    test(`gets it with what all are to get by the next commit after that was ended by ${action}`, async () => {
      const hub = await begin(action)
      await hub.commit({ shop: { ...next, version: 3 } })
      await hub.goOn()
      await hub.approve('shop')
      const { assignedTo } = hub.world.hub.state
      assert.match(assignedTo.get('shop')!.get('c4')!.revision, /^shop 2/)
      assert.match(assignedTo.get('shop')!.get('c1')!.revision, /^shop 3/)
    })
  }

  test('gets what is asked of it alone later where it was not suspended', async () => {
    const hub = await createLeavingHub({ shop: gated })
    await hub.approve('shop')
    await hub.commit({ shop: { ...gated, version: 1, overrides: { c4: 0 } } })
    await hub.world.perform({ kind: 'act', action: 'abort', ...act })
    await hub.commit({ shop: next })
    assert.equal(hub.phases('shop'), 'Succeeded Aborted Progressing')
  })
})
