import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Decision } from '../../../../../hub/ledger/entry.ts'
import { emptyState, foldEntry } from '../../../../../hub/ledger/replay.ts'
import { findProvenSince, goBackTo } from '../../../../../hub/rollout/advance/proven-since.ts'
import type { Content } from '../../../../../hub/rollout/rollout.ts'
import { createDecidingHub } from '../deciding-hub.ts'
import { good, old, plan, target, wave } from '../world.ts'

const contentOf = (text: string): Content => ({ digest: digestOf(text), size: 1, revision: text })
const [first, bad, fixed] = [contentOf('first'), contentOf('bad'), contentOf('fixed')]
const all = (content: Content) => ({ c0: content, c1: content, c2: content })

describe('what a rollout goes back to that had waited before it began', () => {
  // It went back by two versions: to what had been there as it was planned, which the one before it had replaced.
  test('is what the rollout before it in line has proven good', async () => {
    const hub = await createDecidingHub('supersede: queue')
    await hub.commit(all(first))
    for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
    await hub.commit(all(fixed))
    await hub.commit(all(bad))
    assert.equal(hub.phases(), 'Succeeded Progressing Planned')
    for (let turn = 0; turn < 4; turn += 1) await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Succeeded Progressing')
    const before = hub.told.length
    await hub.act('r3', 'rollback')
    await hub.goOn(5_000)
    assert.equal(hub.phases(), 'Succeeded Succeeded RolledBack')
    const since = hub.told.slice(before).filter(([, digest]) => digest !== bad.digest)
    assert.ok(since.length > 0 && since.every(([, digest]) => digest === fixed.digest))
  })

  test('is what proved good since where something did, also where that is nothing', () => {
    const targets = { a: target(), b: target(), c: target(null), d: target() }
    const made = plan([wave('all', Object.keys(targets))], { targets })
    const { state, since } = world({ a: first, b: old, c: old, d: { ...old, digest: null } })
    assert.deepEqual(findProvenSince(state, made), { a: since.a, c: since.c, d: null })
    const { targets: based } = goBackTo(made, { a: first, d: null })
    assert.deepEqual(
      Object.values(based).map(({ previous }) => previous),
      [first, old, null, null],
    )
    assert.equal(findProvenSince(world({ a: good, b: old }).state, made), undefined)
  })

  test('is written down as it begins, and is the same after a restart', () => {
    const made = plan([wave('all', ['a'])])
    const move = { type: 'rollout.moved', rollout: made.id, cause: 'start', reason: '' } as const
    const decisions: Decision[] = [
      { type: 'rollout.created', plan: made },
      { ...move, change: { version: 2, phase: 'Progressing' }, previous: { a: first } },
      // One that lost the race for its version.
      { ...move, change: { version: 2, phase: 'Progressing' }, previous: { a: bad } },
    ]
    const state = emptyState()
    for (const decision of decisions) {
      foldEntry(state, { index: 1, previous: digestOf(''), at: 0, actor: 'git', decision })
    }
    assert.deepEqual(state.plans.get(made.id)!.targets['a']!.previous, first)
  })
})

/** Where this proved good last. */
function world<T extends Readonly<Record<string, Content>>>(since: T) {
  const state = emptyState()
  for (const [name, content] of Object.entries(since)) {
    state.good.set(name, new Map([['shop', content]]))
  }
  return { state, since }
}
