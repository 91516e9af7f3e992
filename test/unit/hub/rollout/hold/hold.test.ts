import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { findHeld, isWithdrawn, judgeHold, toHolds } from '../../../../../hub/rollout/hold/hold.ts'
import type {
  Content,
  Hold,
  RolloutPlan,
  RolloutTarget,
} from '../../../../../hub/rollout/rollout.ts'
import { good, old, plan, target, wave } from '../world.ts'

const bad = plan([wave('one', ['a', 'b'])])
const hold: Hold = {
  application: 'shop',
  contentDigest: bad.contentDigest,
  revision: bad.revision,
  rollout: bad.id,
  at: 0,
  reason: 'crash loop',
}

function next(targets: Record<string, RolloutTarget>, rest: Partial<RolloutPlan> = {}) {
  return { ...bad, id: 'r2', contentDigest: digestOf(JSON.stringify(targets)), targets, ...rest }
}

test('a hold keeps bad content out, in any company, until Git asks for something else', () => {
  const mended = target(null, { ...good, digest: digestOf('mended') })
  for (const [name, planned, verdict] of [
    ['the same content', { ...bad, id: 'r2' }, 'held'],
    ['only part of it', next({ a: target() }), 'held'],
    ['the same and a cluster that joined', next({ a: target(), b: target(), c: target() }), 'held'],
    ['only a cluster that joined', next({ c: target() }), 'held'],
    ['a cluster that joined with content of its own', next({ c: mended }), 'unrelated'],
    ['something else for one of its clusters', next({ a: mended, b: target() }), 'released'],
    [
      'a rollback',
      next({ a: target(null, old) }, { trigger: { kind: 'rollback', actor: 'x', reason: '' } }),
      'unrelated',
    ],
  ] as const) {
    assert.equal(judgeHold(hold, [bad], planned), verdict, name)
  }
  assert.equal(judgeHold(hold, [], next({ a: target() })), 'released')
  assert.equal(judgeHold(hold, [], { ...bad, id: 'r2' }), 'held')
})

// The canary's bad content went to the next wave by itself, as an override there was taken out of Git.
test('what failed on one cluster of the bad rollout is nothing else on another of it', () => {
  const own = { ...good, digest: digestOf('an override') }
  const both = { ...bad, targets: { a: target(), b: target(old, own) } }
  assert.equal(judgeHold(hold, [both], next({ b: target() })), 'held')
  const asked = (a: typeof good, b: typeof good) =>
    isWithdrawn(
      [both],
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
  assert.equal(asked(good, good), false)
  assert.equal(asked(own, good), false)
  assert.equal(asked(good, old), false, 'Git asks for it still')
  assert.equal(asked(old, old), true)
  // What has to go is no bad content, nor is it any word before it goes.
  const gone = target(old, { digest: null, size: 0, revision: 'gone' })
  assert.equal(
    judgeHold(hold, [{ ...bad, targets: { a: target(), b: gone } }], next({ a: gone })),
    'unrelated',
  )
  assert.equal(judgeHold(hold, [], next({ a: gone })), 'unrelated')
})

// The second took the place of the first, whose content came to others by itself though Git asked for it still.
test('a second rollback beside a hold keeps back what both have brought, as long as Git asks for any of it', () => {
  const second = { ...good, digest: digestOf('second') }
  const first = plan([wave('one', ['a', 'b'])], { id: 'r1' })
  const later = plan([wave('one', ['b', 'c'])], {
    id: 'r2',
    targets: { b: target(old, second), c: target(old, second) },
  })
  const plans = new Map([first, later].map((one) => [one.id, one]))
  const holds = new Map<string, Hold>()
  for (const { id, contentDigest } of [first, later]) {
    const effect = { kind: 'hold', contentDigest, reason: 'it broke' } as const
    for (const decision of toHolds({ holds }, plans.get(id)!, [effect], 1)) {
      if (decision.type === 'hold.set') holds.set('shop', decision.hold)
    }
  }
  const held = holds.get('shop')!
  assert.deepEqual([held.rollout, held.earlier], ['r2', ['r1']])
  const both = findHeld({ plans, holds }, 'shop')
  assert.equal(judgeHold(held, both, next({ d: target() })), 'held')
  assert.equal(judgeHold(held, both, next({ b: target() })), 'held', 'also where Git had moved on')
  assert.equal(judgeHold(held, both, next({ d: target(old, second) })), 'held')
  const isOver = (a: Content, b: Content) =>
    isWithdrawn(
      both,
      new Map([
        ['a', a],
        ['b', b],
      ]),
    )
  assert.equal(isOver(good, old), false)
  assert.equal(isOver(old, second), false)
  assert.equal(isOver(old, old), true)
})
