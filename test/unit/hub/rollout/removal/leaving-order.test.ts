import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addRollout } from '../../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { createLastDeclared } from '../../../../../hub/rollout/removal/last-declared.ts'
import {
  keepDependencies,
  listLeavingBefore,
  orderLeaving,
} from '../../../../../hub/rollout/removal/leaving-order.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import { createLeavingHub, everywhere, gated, ungated } from '../leaving-world.ts'
import { read } from '../several-git.ts'
import { plan, wave } from '../world.ts'

/** As of a ledger in which each application was planned, depending on others. */
function past(dependsOn: Readonly<Record<string, readonly string[]>>) {
  const state = emptyState()
  for (const [application, names] of Object.entries(dependsOn)) {
    const made = plan([wave('all', ['a'])], { id: application, application, dependsOn: names })
    addRollout(state, made, createRun(made))
  }
  return { state, of: createLastDeclared(state).dependsOn }
}

const git = (...names: string[]) => ({ applications: new Map(names.map((name) => [name, {}])) })

describe('applications that leave Git together', () => {
  test('are come to with those first that depend on others, else as they came', () => {
    assert.deepEqual(
      orderLeaving(past({ a: [], b: [], c: [] }).of, git('d'), ['a', 'b', 'c', 'd']),
      ['a', 'b', 'c'],
    )
    const chain = past({ a: [], b: ['a'], c: ['b'] })
    assert.deepEqual(orderLeaving(chain.of, git('b'), ['a', 'b', 'c']), ['c', 'a'])
    assert.deepEqual(listLeavingBefore(chain.state, chain.of, new Map(), 'a'), ['b'])
    assert.deepEqual(listLeavingBefore(chain.state, chain.of, new Map([['b', {}]]), 'a'), [])
    assert.deepEqual(listLeavingBefore(chain.state, chain.of, new Map([['a', {}]]), 'a'), ['b'])
    assert.deepEqual(keepDependencies(chain.of, 'c', undefined), { dependsOn: ['b'] })
    assert.deepEqual(keepDependencies(chain.of, 'c', { dependsOn: [{ name: 'a' }] }), {
      dependsOn: ['a'],
    })
    assert.deepEqual(keepDependencies(chain.of, 'c', {}), {})
  })

  test('wait for nobody where what was planned at different times is a circle', () => {
    const circle = past({ a: ['c'], b: ['a'], c: ['b'], d: ['c'] })
    assert.deepEqual(orderLeaving(circle.of, git(), ['a', 'b', 'c']).toSorted(), ['a', 'b', 'c'])
    assert.deepEqual(listLeavingBefore(circle.state, circle.of, new Map(), 'a'), [])
    assert.deepEqual(listLeavingBefore(circle.state, circle.of, new Map(), 'c'), ['d'])
  })

  // What has no gates went at once, from under what stood at one.
  test('leave each cluster with those first that depend on others', async () => {
    const hub = await createLeavingHub({ shop: { ...gated, dependsOn: ['db'] } })
    await hub.approve('shop')
    assert.deepEqual(hub.has('shop'), everywhere)
    await hub.commit({ shop: null, db: null })
    await hub.goOn()
    assert.deepEqual([hub.has('shop'), hub.has('db')], [everywhere.slice(1), everywhere.slice(1)])
    const { state } = hub.world.hub
    const active = [...state.runs.values()].filter(({ phase }) => phase === 'Progressing')
    const waits = await Promise.all(active.map(({ id }) => hub.world.waitingFor(id)))
    assert.match(
      waits.flat().join('\n'),
      /4 clusters wait for application shop, which depends on it and is still to be removed there/,
    )
    await hub.approve('shop')
    assert.deepEqual([hub.has('shop'), hub.has('db')], [[], []])
  })

  // Both were taken from one cluster only, and it went from under what stood at the gate before its removals.
  for (const left of [false, true]) {
    test(`leave a cluster that neither is placed on any more in that order as well; ${left ? 'where the first left Git' : 'both stay elsewhere'}`, async () => {
      const shop = { ...gated, dependsOn: ['db'] } as const
      const hub = await createLeavingHub({ shop })
      await hub.approve('shop')
      const excluded = ['c4'] as const
      await hub.commit({ shop: left ? null : { ...shop, excluded }, db: { ...ungated, excluded } })
      await hub.goOn()
      assert.deepEqual([hub.has('shop').includes('c4'), hub.has('db')], [true, everywhere])
      await hub.approve('shop')
      await hub.goOn()
      assert.deepEqual(
        [hub.has('shop').includes('c4'), hub.has('db')],
        [false, everywhere.slice(0, 4)],
      )
    })
  }

  describe('from one cluster, where Git cannot tell of the first', () => {
    const excluded = ['c4'] as const
    const shop = { ...gated, dependsOn: ['db'], excluded } as const

    async function begin() {
      const hub = await createLeavingHub({ shop: { ...shop, excluded: [] } })
      await hub.approve('shop')
      await hub.commit({ shop, db: { ...ungated, excluded } })
      await hub.goOn()
      return hub
    }

    // The second went from under it as soon as a hub was started anew, before that had rendered anything.
    test('leave it in that order also by a hub that has begun anew and rendered nothing yet', async () => {
      const hub = await begin()
      const { fleet } = read(hub.world.commits.at(-1)!)
      await hub.world.perform({ kind: 'crash' })
      hub.world.hub.read = { fleet, contents: null }
      await hub.world.perform({ kind: 'goOn', ms: 5_000 })
      await hub.world.perform({ kind: 'storm' })
      assert.deepEqual([hub.has('shop').includes('c4'), hub.has('db')], [true, everywhere])
      await hub.approve('shop')
      await hub.goOn()
      assert.deepEqual(
        [hub.has('shop').includes('c4'), hub.has('db').includes('c4')],
        [false, false],
      )
    })

    test('leave it in that order also where the first cannot be rendered any more', async () => {
      const hub = await begin()
      await hub.world.perform({ kind: 'cut', cluster: 'c4' })
      await hub.commit({ shop: { ...shop, broken: true } })
      await hub.world.perform({ kind: 'join', cluster: 'c4' })
      await hub.goOn()
      assert.deepEqual(hub.has('db'), everywhere)
    })
  })

  test('leave a cluster without those that stay there', async () => {
    const shop = { ...ungated, dependsOn: ['db'] } as const
    const hub = await createLeavingHub({ shop })
    await hub.commit({ db: { ...ungated, excluded: ['c4'] } })
    await hub.goOn()
    assert.deepEqual([hub.has('shop'), hub.has('db')], [everywhere, everywhere.slice(0, 4)])
  })

  // What gives objects to others is begun before them, and was before those that depend on it as well.
  test('leave each cluster with those first also where one gives a part of its objects to others', async () => {
    const owners = ['db', 'db', 'shop', 'web'] as const
    const hub = await createLeavingHub({ shop: { ...gated, dependsOn: ['db'] } }, { owners })
    await hub.approve('shop')
    await hub.commit({ shop: null, db: null }, { owners: ['queue', ...owners.slice(1)] })
    await hub.goOn()
    assert.deepEqual([hub.has('shop'), hub.has('db')], [everywhere.slice(1), everywhere.slice(1)])
    await hub.approve('shop')
    assert.deepEqual([hub.has('shop'), hub.has('db')], [[], []])
    assert.deepEqual([hub.has('queue'), hub.phases('queue')], [everywhere, 'Succeeded Succeeded'])
  })

  // A removal from one cluster was under way, and that of the rest not planned yet: what they need went from under them.
  for (const since of ['ever', 'after its last rollout'] as const) {
    test(`leave each cluster after those of which more is to be removed than was planned; depending on it since ${since}`, async () => {
      const before = { ...ungated, dependsOn: since === 'ever' ? (['db'] as const) : [] }
      const hub = await createLeavingHub({ shop: before })
      const freeze = { kind: 'deny', group: 'twos', application: 'shop' } as const
      const windows = [true, false].map((odd) => ({ ...freeze, odd }))
      await hub.commit({ shop: { ...before, excluded: ['c4'] } }, { second: ['c4'], windows })
      await hub.commit({ shop: { ...before, excluded: ['c4'], dependsOn: ['db'] } })
      await hub.commit({ shop: null, db: null })
      await hub.goOn()
      assert.deepEqual([hub.has('shop'), hub.has('db')], [everywhere, everywhere])
      await hub.commit({}, { windows: [] })
      for (let turn = 0; turn < 3; turn += 1) await hub.goOn()
      assert.deepEqual([hub.has('shop'), hub.has('db')], [[], []])
    })
  }
})

// It was offered in the middle of the look at Git that was to end it, and removed again.
test('what is on its way and left Git comes nowhere as another, which leaves as well, lets go of what it waits for', async () => {
  const before = ['db', 'db', 'queue', 'web'] as const
  const approved = { waves: [{ name: 'all', selector: {}, before: [{ approval: {} }] }] }
  const hub = await createLeavingHub({ db: { ...ungated, strategy: approved } }, { owners: before })
  await hub.approve('db')
  await hub.commit({ shop: null })
  await hub.goOn()
  assert.deepEqual([hub.has('db'), hub.has('shop')], [everywhere, []])
  await hub.commit({ shop: ungated }, { owners: ['shop', ...before.slice(1)] })
  await hub.commit({ db: ungated })
  assert.deepEqual(hub.has('shop'), [], 'it waits for what stands at its gate')
  await hub.commit({ shop: null, db: null }, { owners: ['web', ...before.slice(1)] })
  const { state } = hub.world.hub
  const run = state.runs.get([...state.rolloutsOf.get('shop')!].at(-1)!)!
  const states = Object.values(run.clusters).map((one) => one.state)
  assert.deepEqual([run.phase, new Set(states)], ['Superseded', new Set(['Pending'])])
})
