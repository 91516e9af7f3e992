import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addRollout } from '../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import {
  keepDependencies,
  listLeavingBefore,
  orderLeaving,
} from '../../../../hub/rollout/leaving-order.ts'
import { createRun } from '../../../../hub/rollout/plan.ts'
import type { Declared, Git } from './several-git.ts'
import { createSeveralHub } from './several-world.ts'
import { plan, wave } from './world.ts'

/** As of a ledger in which each application was planned, depending on others. */
function past(dependsOn: Readonly<Record<string, readonly string[]>>) {
  const state = emptyState()
  for (const [application, names] of Object.entries(dependsOn)) {
    const made = plan([wave('all', ['a'])], { id: application, application, dependsOn: names })
    addRollout(state, made, createRun(made))
  }
  return state
}

const git = (...names: string[]) => ({ applications: new Map(names.map((name) => [name, {}])) })

describe('applications that leave Git together', () => {
  test('are come to with those first that depend on others, else as they came', () => {
    assert.deepEqual(orderLeaving(past({ a: [], b: [], c: [] }), git('d'), ['a', 'b', 'c', 'd']), [
      'a',
      'b',
      'c',
    ])
    const chain = past({ a: [], b: ['a'], c: ['b'] })
    assert.deepEqual(orderLeaving(chain, git('b'), ['a', 'b', 'c']), ['c', 'a'])
    assert.deepEqual(listLeavingBefore(chain, new Map(), 'a'), ['b'])
    assert.deepEqual(listLeavingBefore(chain, new Map([['b', {}]]), 'a'), [])
    assert.deepEqual(listLeavingBefore(chain, new Map([['a', {}]]), 'a'), [])
    assert.deepEqual(keepDependencies(chain, 'c', undefined), { dependsOn: ['b'] })
    assert.deepEqual(keepDependencies(chain, 'c', { dependsOn: [{ name: 'a' }] }), {
      dependsOn: ['a'],
    })
    assert.deepEqual(keepDependencies(chain, 'c', {}), {})
  })

  test('wait for nobody where what was planned at different times is a circle', () => {
    const circle = past({ a: ['c'], b: ['a'], c: ['b'], d: ['c'] })
    assert.deepEqual(orderLeaving(circle, git(), ['a', 'b', 'c']).toSorted(), ['a', 'b', 'c'])
    assert.deepEqual(listLeavingBefore(circle, new Map(), 'a'), [])
    assert.deepEqual(listLeavingBefore(circle, new Map(), 'c'), ['d'])
  })

  // What has no gates went at once, from under what stood at one.
  test('leave each cluster with those first that depend on others', async () => {
    const all = { ...{ version: 0, overrides: {}, excluded: [] }, dependsOn: [] }
    const gate = [{ approval: {} }]
    const waves = [
      { name: 'canary', clusters: ['c0'] },
      { name: 'rest', clusters: ['c1', 'c2', 'c3', 'c4', 'c5'], before: gate },
    ]
    const declared: Record<string, Declared> = {
      db: { ...all, strategy: { waves: [{ name: 'all', selector: {} }] } },
      queue: { ...all, strategy: { waves: [{ name: 'all', selector: {} }] } },
      shop: { ...all, strategy: { waves }, dependsOn: ['db'] },
      web: { ...all, strategy: { waves: [{ name: 'all', selector: {} }] } },
    }
    const rest = { second: [], suspended: [], windows: [], owners: [] }
    const before: Git = { ...rest, declared }
    const hub = await createSeveralHub(before)
    const approve = () =>
      hub.perform({
        ...{ kind: 'act', application: 'shop', action: 'approve', cluster: 'c0', actor: 'alice' },
      })
    const goOn = async () => {
      for (let turn = 0; turn < 3; turn += 1) {
        await hub.perform({ kind: 'goOn', ms: 5_000 })
        await hub.settle()
      }
    }
    await goOn()
    await approve()
    await goOn()
    const has = (application: string) =>
      [...hub.hub.state.assignedTo.get(application)!.values()]
        .filter(({ digest }) => digest !== null)
        .map(({ cluster }) => cluster)
        .sort()
    assert.deepEqual(has('shop'), ['c0', 'c1', 'c2', 'c3', 'c4'])
    const { queue, web } = declared
    hub.commits.push({ ...before, declared: { queue: queue!, web: web! } })
    await hub.settle()
    await goOn()
    assert.deepEqual(
      [has('shop'), has('db')],
      [
        ['c1', 'c2', 'c3', 'c4'],
        ['c1', 'c2', 'c3', 'c4'],
      ],
    )
    const active = [...hub.hub.state.runs.values()].filter(({ phase }) => phase === 'Progressing')
    const waits = await Promise.all(active.map(({ id }) => hub.waitingFor(id)))
    assert.match(
      waits.flat().join('\n'),
      /4 clusters wait for application shop, which depends on it and is still to be removed there/,
    )
    await approve()
    await goOn()
    assert.deepEqual([has('shop'), has('db')], [[], []])
  })
})
