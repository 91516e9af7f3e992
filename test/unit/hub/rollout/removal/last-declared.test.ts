import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { contentsOf, createWorld, fleetOf } from '../decide-world.ts'
import { createLeavingHub, everywhere, gated, ungated } from '../leaving-world.ts'
import { read } from '../several-git.ts'
import { good } from '../world.ts'

// A strategy that came after the last rollout, as one of before an upgrade, was not kept anywhere.
describe('what Git said of an application last, and nothing was rolled out for', () => {
  test('I6 is how it leaves: behind the gates of a strategy that it was given since', async () => {
    const hub = await createLeavingHub({})
    await hub.commit({ shop: gated })
    await hub.commit({ shop: null })
    await hub.goOn()
    assert.deepEqual(hub.has('shop'), everywhere.slice(1))
    await hub.approve('shop')
    assert.deepEqual(hub.has('shop'), [])
  })

  test('is how it leaves: at once, where Git took its strategy away before', async () => {
    const hub = await createLeavingHub({ shop: gated })
    await hub.approve('shop')
    await hub.commit({ shop: ungated })
    await hub.commit({ shop: null })
    assert.deepEqual(hub.has('shop'), [])
  })

  test('is how it leaves: before what it depends on since', async () => {
    const hub = await createLeavingHub({ shop: gated })
    await hub.approve('shop')
    await hub.commit({ shop: { ...gated, dependsOn: ['db'] } })
    await hub.commit({ shop: null, db: null })
    await hub.goOn()
    assert.deepEqual([hub.has('shop'), hub.has('db')], [everywhere.slice(1), everywhere.slice(1)])
    await hub.approve('shop')
    assert.deepEqual([hub.has('shop'), hub.has('db')], [[], []])
  })

  test('is known again by a hub that has begun anew before it leaves', async () => {
    const hub = await createLeavingHub({})
    await hub.commit({ shop: gated })
    await hub.world.perform({ kind: 'crash' })
    await hub.world.settle()
    await hub.commit({ shop: null })
    await hub.goOn()
    assert.deepEqual(hub.has('shop'), everywhere.slice(1))
  })

  // A hub that died between taking in its deletion and planning it had it leave as it was rolled out last.
  test('I6 is asked for where a hub has begun anew, and no plan was made of its leaving', async () => {
    const hub = await createLeavingHub({})
    await hub.commit({ shop: gated })
    await hub.world.perform({ kind: 'crash' })
    const { last } = hub.world.hub.deciding
    const git = hub.world.commits.at(-1)!
    const { fleet: without } = read({ ...git, declared: { db: ungated } })
    assert.deepEqual(last.listUnplanned(without), ['queue', 'shop', 'web'])
    // Each start of a hub looked for it, in twenty commits, for good.
    const nowhere = { ...without, clusters: new Map() }
    assert.deepEqual(last.listUnplanned(nowhere), [], 'clusters that left Git keep what they run')
    last.note(read(git).fleet)
    await hub.commit({ shop: null })
    await hub.goOn()
    assert.deepEqual(hub.has('shop'), everywhere.slice(1))
    assert.deepEqual(last.listUnplanned(without), ['queue', 'web'])
  })

  // Windows of the one that it was moved out of held, and not those of the one that it was moved to.
  test('is in which Project it is, whose windows and approvals count', async () => {
    const { deciding, created, assign } = createWorld(['a'])
    const [before, rest] = [
      fleetOf(['a'], { shop: '', db: '', web: '' }),
      fleetOf(['a'], { db: '', web: '' }),
    ]
    for (const name of before.applications.keys()) assign(name, good, 'a')
    const isShop = (name: string) => name === 'shop'
    const applications = [...before.applications].map(
      ([name, { spec, ...one }]) =>
        [name, { ...one, spec: { ...spec, ...(isShop(name) && { project: 'frozen' }) } }] as const,
    )
    const moved = { ...before, applications: new Map(applications) }
    await deciding.decide(moved, contentsOf(before))
    assert.deepEqual(created, [])
    await deciding.decide(rest, contentsOf(rest))
    assert.deepEqual(
      created.map(({ plan: { application, project } }) => [application, project]),
      [['shop', 'frozen']],
    )
  })
})
