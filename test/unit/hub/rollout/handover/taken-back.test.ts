import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLeavingHub, everywhere, gated, ungated } from '../leaving-world.ts'

const act = { application: 'shop', cluster: 'c0', actor: 'alice' } as const

/** The agent of c4 is away as it is to be removed the shop, and Git asks for it again later. */
async function begin(turns: number) {
  const hub = await createLeavingHub({ shop: gated })
  await hub.approve('shop')
  await hub.commit({ shop: { ...gated, excluded: ['c4'] } })
  await hub.world.perform({ kind: 'act', action: 'approve', ...act })
  await hub.world.settle()
  await hub.world.perform({ kind: 'cut', cluster: 'c4' })
  for (let turn = 0; turn < turns; turn += 1) await hub.goOn()
  assert.deepEqual(hub.has('shop'), everywhere.slice(0, 4))
  const runs = () => hub.world.told('c4', 'shop')!.digest
  return { ...hub, runs, before: runs() }
}

// It deleted what Git had asked for again long ago, and got it once the gate of the rollout that brings it was open.
describe('a removal that an agent was away for, and that Git took back', () => {
  for (const turns of [0, 4]) {
    test(`I4 is not sent: what runs there stays until its rollout comes; ${turns > 0 ? 'and was passed over' : 'on its way'}`, async () => {
      const hub = await begin(turns)
      await hub.commit({ shop: gated })
      await hub.world.perform({ kind: 'join', cluster: 'c4' })
      await hub.goOn()
      assert.equal(hub.runs(), hub.before)
      await hub.approve('shop')
      assert.deepEqual([hub.has('shop'), hub.runs()], [everywhere, hub.before])
      assert.match(hub.phases('shop'), /Succeeded$/)
    })
  }

  test('I4 is not sent by a hub that has begun anew and read nothing of Git yet', async () => {
    const hub = await begin(4)
    hub.world.commits.push({
      ...hub.world.commits.at(-1)!,
      declared: { db: ungated, queue: ungated, web: ungated, shop: gated },
    })
    await hub.world.perform({ kind: 'crash' })
    await hub.world.perform({ kind: 'join', cluster: 'c4' })
    await hub.world.perform({ kind: 'report', cluster: 'c4', sick: null })
    assert.equal(hub.runs(), hub.before)
  })

  test('is sent once Git asks for it no more, by a hub that has begun anew too', async () => {
    for (const crashes of [false, true]) {
      const hub = await begin(4)
      await hub.commit({ shop: gated })
      await hub.world.perform({ kind: 'join', cluster: 'c4' })
      await hub.goOn()
      await hub.commit({ shop: { ...gated, excluded: ['c4'] } })
      if (crashes) await hub.world.perform({ kind: 'crash' })
      await hub.goOn()
      assert.equal(hub.runs(), null)
    }
  })

  const assignedTo = (hub: Awaited<ReturnType<typeof begin>>) => [
    ...hub.world.hub.state.assignments.get('c4')!.values(),
  ]

  // An agent whose pod was moved says nothing of what runs, and may find it by its inventory.
  test('I4 is not sent to an agent either that holds nothing any more', async () => {
    const hub = await begin(4)
    await hub.commit({ shop: gated })
    const listed = hub.world.hub.handovers.listTogether('c4', assignedTo(hub), () => undefined)
    assert.ok(listed !== 'wait')
    assert.deepEqual(listed.map(({ application }) => application).sort(), ['db', 'queue', 'web'])
  })

  // Its Secrets were restored: what it says it runs was deleted, and it made that anew.
  test('that was carried out is sent to an agent that says it runs that, by a hub that has begun anew', async () => {
    const hub = await createLeavingHub({ shop: gated })
    await hub.approve('shop')
    const before = { digest: hub.world.told('c4', 'shop')!.digest, generation: 1 }
    await hub.commit({ shop: { ...gated, excluded: ['c4'] } })
    await hub.world.perform({ kind: 'act', action: 'approve', ...act })
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn()
    assert.deepEqual(hub.has('shop'), everywhere.slice(0, 4))
    await hub.world.perform({ kind: 'crash' })
    const all = [...hub.world.hub.state.assignments.get('c4')!.values()]
    const runs = (name: string) => (name === 'shop' ? before : undefined)
    assert.equal(hub.world.hub.handovers.listTogether('c4', all, runs), all)
  })

  // Whoever had been removed anything was offered nothing by a hub that had begun anew, and asked for content in vain.
  test('keeps nothing from an agent that has it, also of a hub that has begun anew', async () => {
    const hub = await begin(4)
    await hub.world.perform({ kind: 'crash' })
    const all = assignedTo(hub)
    const removed = { digest: null, generation: Infinity }
    assert.equal(
      hub.world.hub.handovers.listTogether('c4', all, () => removed),
      all,
    )
  })

  // Another removal that was under way timed out.
  test('keeps others no longer than until a hub that has begun anew has decided', async () => {
    const hub = await begin(4)
    await hub.world.perform({ kind: 'join', cluster: 'c4' })
    await hub.commit({ shop: gated, db: { ...ungated, excluded: ['c4'] } })
    assert.ok(!hub.has('db').includes('c4'))
    await hub.world.perform({ kind: 'crash' })
    const { handovers } = hub.world.hub
    const runs = (name: string) => hub.world.told('c4', name)
    const list = () => {
      const listed = handovers.listTogether('c4', assignedTo(hub), runs)
      assert.ok(listed !== 'wait')
      return listed.filter(({ digest }) => digest === null).map(({ application }) => application)
    }
    assert.deepEqual(list(), [])
    hub.world.released.length = 0
    await hub.world.perform({ kind: 'decide' })
    assert.deepEqual([hub.world.released, list()], [['c4'], ['db']])
  })

  test('is told to go on where its cluster waited for that', async () => {
    const hub = await begin(4)
    await hub.commit({ shop: gated })
    await hub.world.perform({ kind: 'join', cluster: 'c4' })
    await hub.goOn()
    hub.world.released.length = 0
    await hub.commit({ shop: { ...gated, excluded: ['c4'] } })
    assert.deepEqual(hub.world.released, ['c4'])
  })

  test('says nothing of a removal that is a rollback: what failed goes though Git asks for it', async () => {
    const hub = await createLeavingHub({ shop: { ...gated, excluded: ['c0', 'c4'] } })
    await hub.approve('shop')
    await hub.commit({ shop: gated })
    await hub.goOn()
    await hub.approve('shop')
    assert.deepEqual(hub.has('shop'), everywhere)
    await hub.world.perform({ kind: 'cut', cluster: 'c4' })
    await hub.world.perform({ kind: 'act', action: 'rollback', ...act })
    await hub.world.settle()
    await hub.world.perform({ kind: 'join', cluster: 'c4' })
    await hub.goOn()
    assert.deepEqual(
      [hub.has('shop'), hub.world.told('c4', 'shop')!.digest],
      [['c1', 'c2', 'c3'], null],
    )
  })
})
