import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { drive, good, plan, reports, wave } from './world.ts'

/* Row B77: what people ask of rollouts that are in no state for it. */

const gated = plan([
  wave('one', ['a']),
  wave('two', ['b'], { before: [{ kind: 'approval', role: 'operator', count: 2 }] }),
])

/** A rollout that waits for two approvals before its second wave. */
function atGate() {
  const it = drive(gated)
  it.act({ kind: 'start' }, 0)
  const progress = it.run.clusters['a']
  assert.ok(progress?.state === 'Offered')
  it.seen['a'] = reports(good, progress.generation)
  it.look(1)
  assert.deepEqual([it.run.wave, it.run.waveStartedAt], [1, null])
  return it
}

function ended(kind: 'abort' | 'succeed') {
  const it = drive(plan([wave('one', ['a'])]))
  it.act({ kind: 'start' }, 0)
  if (kind === 'abort') it.act({ kind: 'abort' }, 1)
  else {
    const progress = it.run.clusters['a']
    assert.ok(progress?.state === 'Offered')
    it.seen['a'] = reports(good, progress.generation)
    it.look(1)
  }
  return it
}

describe('B77: of a rollout', () => {
  for (const how of ['abort', 'succeed'] as const) {
    for (const kind of ['pause', 'resume', 'approve', 'promote', 'retry', 'start'] as const) {
      it(`that is over (${how}) nothing is done: ${kind}`, () => {
        const over = ended(how)
        const before = over.run
        assert.throws(() => over.act({ kind }, 9), { code: 'conflict' })
        assert.equal(over.run, before)
      })
    }
    it(`that is over (${how}) no cluster is skipped`, () => {
      assert.throws(() => ended(how).act({ kind: 'skip', cluster: 'a' }, 9), { code: 'conflict' })
    })
  }

  it('a refusal says what to do instead', () => {
    assert.throws(
      () => ended('succeed').act({ kind: 'pause' }, 9),
      /cannot be paused: it is over; `swell rollout rollback r1` gives back what ran before/,
    )
    const aborted = ended('abort')
    assert.throws(() => aborted.act({ kind: 'pause' }, 9), /`swell rollout start shop` tries it/)
    aborted.act({ kind: 'rollback' }, 9)
    assert.equal(aborted.run.phase, 'RollingBack')
    assert.throws(() => aborted.act({ kind: 'approve' }, 11), /`swell rollout why r1` says/)
    const planned = drive(plan([wave('one', ['a'])]))
    assert.throws(() => planned.act({ kind: 'resume' }, 0), /`swell rollout begin r1` starts it/)
    const waits = atGate()
    assert.throws(
      () => waits.act({ kind: 'promote' }, 2),
      /waits for an approval, which is given by `swell rollout approve r1`/,
    )
    assert.throws(() => waits.act({ kind: 'retry' }, 2), /`swell rollout why r1` says what it/)
  })

  it('that is paused is not begun: it would stay paused', () => {
    const paused = atGate()
    paused.act({ kind: 'pause' }, 2)
    const before = paused.run
    assert.throws(() => paused.act({ kind: 'start' }, 3), /`swell rollout resume r1` lets it go on/)
    assert.equal(paused.run, before)
    paused.act({ kind: 'resume' }, 4)
    paused.act({ kind: 'start' }, 5)
    assert.equal(paused.run.phase, 'Progressing', 'asked twice, it changes nothing')
  })

  it('no cluster is skipped that it does not have', () => {
    const it = atGate()
    const before = it.run
    assert.throws(() => it.act({ kind: 'skip', cluster: 'nobody' }, 9), /nobody/)
    assert.equal(it.run, before)
  })

  it('one person who approves twice is one approval', () => {
    const it = atGate()
    const approve = { kind: 'approve', roles: ['operator'] } as const
    it.act(approve, 2, 'ada')
    const once = it.run
    it.act(approve, 3, 'ada')
    assert.equal(it.run, once, 'asked again, it changes nothing')
    assert.deepEqual([it.run.approvals.length, it.run.waveStartedAt], [1, null])
    it.act(approve, 4, 'bob')
    assert.notEqual(it.run.waveStartedAt, null)
  })

  it('what is aborted is not resumed, whichever of the two comes first', () => {
    const first = atGate()
    first.act({ kind: 'pause' }, 2)
    first.act({ kind: 'abort' }, 3)
    assert.throws(() => first.act({ kind: 'resume' }, 3), { code: 'conflict' })
    assert.equal(first.run.phase, 'Aborted')
    const second = atGate()
    second.act({ kind: 'pause' }, 2)
    second.act({ kind: 'resume' }, 3)
    second.act({ kind: 'abort' }, 3)
    assert.equal(second.run.phase, 'Aborted')
    const b = second.run.clusters['b']
    assert.deepEqual(
      b?.state === 'Done' && [b.outcome, b.generation],
      ['Skipped', 0],
      'it was never offered anything',
    )
  })
})
