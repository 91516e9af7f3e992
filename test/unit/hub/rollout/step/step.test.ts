import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../../hub/errors.ts'
import { away, drive, good, idle, old, plan, reports, target, wave } from '../world.ts'

const gate = [{ kind: 'approval', role: 'operator' }] as const

const conflict = (error: unknown) => error instanceof HubError && error.code === 'conflict'

describe('a wave', () => {
  test('offers in order up to maxConcurrent and again as slots become free', () => {
    const it = drive(plan([wave('one', ['a', 'b', 'c'], { maxConcurrent: 2, soak: 1_000 })]))
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Offered', c: 'Pending' })
    it.seen['a'] = reports(good, 1)
    it.look(10)
    assert.deepEqual(it.outcomes(), { a: 'Soaking', b: 'Offered', c: 'Pending' })
    assert.equal(it.last.recheckAt, 1_010)
    it.look(1_010)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Offered', c: 'Offered' })
  })

  test('believes only the exact digest and generation that were offered', () => {
    for (const [name, report] of Object.entries({
      'the digest before': reports(old, 1),
      'an earlier generation': reports(good, 0),
      'a later generation': reports(good, 2),
      'still applying': reports(good, 1, { phase: 'Applying' }),
      'not healthy yet': reports(good, 1, { health: 'InProgress' }),
      'health unknown': reports(good, 1, { health: 'Unknown' }),
      'failed at the digest before': reports(old, 1, { phase: 'Failed' }),
      'failed at an earlier generation': reports(good, 0, { health: 'Failed' }),
    })) {
      const it = drive(plan([wave('one', ['a'])]))
      it.act({ kind: 'start' })
      it.seen['a'] = report
      it.look(10)
      assert.deepEqual(it.outcomes(), { a: 'Offered' }, name)
    }
  })

  test('times a cluster out exactly at its deadline and says what it last heard', () => {
    const it = drive(plan([wave('one', ['a'], { maxFailures: 1 })]))
    it.act({ kind: 'start' }, 5)
    it.seen['a'] = reports(good, 1, { health: 'InProgress', message: '0/3 ready' })
    assert.equal(it.look(100).recheckAt, 60_005)
    it.look(60_004)
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
    it.look(60_005)
    assert.deepEqual(it.outcomes(), { a: 'TimedOut' })
    const a = it.run.clusters['a']!
    assert.match(a.state === 'Done' ? a.message : '', /0\/3 ready/)
    assert.equal(it.run.phase, 'Succeeded', 'one failure was tolerated')
  })

  test('a refusal fails the cluster at once, in the agent’s words', () => {
    const it = drive(plan([wave('one', ['a'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = { ...idle(), refusal: 'kind Node is out of scope' }
    it.look(1)
    assert.match(it.run.message, /kind Node is out of scope/)
  })

  test('a tombstone succeeds when the cluster says it has removed the application', () => {
    const gone = { digest: null, size: 0, revision: 'r' }
    const planned = { ...plan([wave('removals', ['a'])]), targets: { a: target(old, gone) } }
    const it = drive(planned)
    it.act({ kind: 'start' })
    assert.equal(it.last.effects[0]!.kind, 'assign')
    it.seen['a'] = reports(gone, 1, { phase: 'Applying' })
    it.look(1)
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
    it.seen['a'] = reports(gone, 1)
    it.look(2)
    assert.equal(it.run.phase, 'Succeeded')
  })
})

describe('a cluster that is away', () => {
  test('skip: is unreachable after the grace, is no failure, and returns through the gates', () => {
    const it = drive(plan([wave('one', ['a', 'b']), wave('two', ['c'])]))
    it.seen['b'] = away(0)
    it.act({ kind: 'start' })
    assert.equal(it.last.recheckAt, 30_000)
    it.seen['a'] = reports(good, 1)
    it.look(30_000)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Unreachable', c: 'Offered' })
    it.seen['b'] = idle(40_000)
    it.look(40_001)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Offered', c: 'Offered' })
    const b = it.run.clusters['b']!
    assert.equal(b.state === 'Offered' && b.generation, it.generation)
  })

  test('wait: holds the wave, and time away does not count', () => {
    const it = drive(plan([wave('one', ['a'])], { offline: 'wait' }))
    it.act({ kind: 'start' })
    it.seen['a'] = away(10)
    assert.equal(it.look(3_600_000).recheckAt, null)
    assert.match(it.last.waitingFor.join(), /cluster a is not connected/)
    it.seen['a'] = idle(3_600_000)
    assert.equal(it.look(3_600_001).recheckAt, 3_660_000)
  })

  test('fail: counts as a failure, and nothing is offered beside it', () => {
    const it = drive(plan([wave('one', ['a', 'b'])], { offline: 'fail' }))
    it.seen['a'] = away(-60_000)
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Failed', b: 'Pending' })
    assert.equal(it.run.phase, 'Paused')
  })

  test('a canary nobody could reach proves nothing: the next wave waits', () => {
    const it = drive(plan([wave('canary', ['a']), wave('rest', ['b'])]))
    it.seen['a'] = away(-60_000)
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Unreachable', b: 'Pending' })
    assert.match(it.last.waitingFor.join(), /no cluster of wave canary took it/)
    it.act({ kind: 'skip', cluster: 'a' })
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Offered' })
  })
})

describe('a cluster that is given nothing new', () => {
  const closed = { ...idle(), closed: 'is suspended in Git' }
  const open = { ...idle(), closed: null }

  // It was suspended in mid-rollout, and offered the content all the same.
  test('is passed over when its turn comes, and the rollout goes on without it', () => {
    const it = drive(plan([wave('one', ['a', 'b'], { maxConcurrent: 1 })]))
    it.act({ kind: 'start' })
    it.seen['b'] = closed
    it.seen['a'] = reports(good, it.generation)
    it.look(10)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Skipped' })
    assert.equal(it.run.phase, 'Succeeded')
    const progress = it.run.clusters['b']!
    assert.ok(progress.state === 'Done')
    assert.match(progress.message, /passed over, since it is suspended in Git/)
  })

  test('has its turn when it is given something again, in the same rollout', () => {
    const it = drive(plan([wave('one', ['a', 'b'])]))
    it.seen['a'] = closed
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Offered' })
    it.seen['a'] = idle()
    it.look(10)
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Offered' }, 'that is not known')
    it.seen['a'] = open
    it.look(20)
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Offered' })
  })

  test('is no canary: nothing is proven until a person skips it', () => {
    const it = drive(plan([wave('canary', ['a']), wave('rest', ['b'])]))
    it.seen['a'] = closed
    it.act({ kind: 'start' })
    it.look(3_600_000)
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Pending' })
    assert.match(it.last.waitingFor.join(), /passed over \(a: passed over, since it is suspended/)
    it.act({ kind: 'skip', cluster: 'a' }, 3_600_010)
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Offered' })
  })

  // Revoked on its way, under `offline: wait`, it was waited for, and kept its slot, for good.
  test('is waited for no more once it is gone, whatever its rollout waits for', () => {
    const it = drive(plan([wave('one', ['a', 'b'], { maxConcurrent: 1 })], { offline: 'wait' }))
    it.act({ kind: 'start' })
    it.seen['a'] = { ...away(10), closed: 'is revoked' }
    it.look(20)
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Pending' }, 'it may be back')
    it.look(60_000)
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Offered' })
    it.seen['b'] = reports(good, it.generation)
    it.seen['a'] = { ...idle(70_000), closed: null }
    it.look(70_000)
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Succeeded' }, 'it is given something again')
  })

  test('is not offered what it is retried for, and keeps its failure until then', () => {
    const it = drive(plan([wave('canary', ['a']), wave('rest', ['b'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, it.generation, { phase: 'Failed' })
    it.look(10)
    it.seen['a'] = { ...it.seen['a'], closed: 'is suspended in Git' }
    it.look(20)
    assert.equal(it.run.phase, 'Paused')
    assert.deepEqual(it.outcomes(), { a: 'Failed', b: 'Pending' })
    it.act({ kind: 'retry' }, 30)
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Pending' })
  })
})

describe('gates', () => {
  test('approvals hold before and after a wave; two gates want two people', () => {
    const both = [...gate, ...gate]
    const it = drive(plan([wave('one', ['a'], { before: gate, after: both }), wave('two', ['b'])]))
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Pending', b: 'Pending' })
    assert.equal(it.last.waitingFor.length, 1)
    it.act({ kind: 'approve' })
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Pending' })
    const { version } = it.act({ kind: 'approve' }).run
    assert.equal(version, it.run.version)
    it.seen['a'] = reports(good, 2)
    it.look(1)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Pending' })
    it.act({ kind: 'approve' })
    it.act({ kind: 'approve' })
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Pending' }, 'one person is not two')
    it.act({ kind: 'approve' }, 2, 'bob')
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Offered' })
    assert.throws(() => it.act({ kind: 'approve' }, 3, 'carol'), conflict)
  })

  test('an empty wave keeps its gate after, since it guards what follows', () => {
    const it = drive(plan([wave('empty', [], { before: gate, after: gate }), wave('two', ['b'])]))
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { b: 'Pending' })
    it.act({ kind: 'approve' })
    assert.deepEqual(it.outcomes(), { b: 'Offered' })
  })
})

describe('a spent budget', () => {
  const waves = [wave('one', ['a', 'b', 'c'], { maxConcurrent: 2 }), wave('two', ['d'])]

  test('pause: what is in flight ends, nothing new begins, and resuming needs an answer', () => {
    const it = drive(plan(waves))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1, { phase: 'Failed', message: 'denied' })
    it.look(1)
    assert.equal(it.run.phase, 'Progressing')
    assert.deepEqual(it.outcomes(), { a: 'Failed', b: 'Offered', c: 'Pending', d: 'Pending' })
    it.seen['b'] = reports(good, 1)
    it.look(2)
    assert.equal(it.run.phase, 'Paused')
    assert.match(it.run.message, /wave one had 1 failure and tolerates none \(a: .*denied/)
    assert.throws(() => it.act({ kind: 'resume' }), conflict)
    it.act({ kind: 'skip', cluster: 'a' }, 3)
    it.act({ kind: 'resume' }, 4)
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Succeeded', c: 'Offered', d: 'Pending' })
  })

  test('retry offers the failed again under a new generation', () => {
    const it = drive(plan(waves))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1, { phase: 'Failed' })
    it.seen['b'] = reports(good, 1)
    it.look(1)
    it.act({ kind: 'retry' }, 2)
    assert.deepEqual(it.run.clusters['a'], { state: 'Offered', generation: 3, offeredAt: 2 })
    it.look(3)
    assert.equal(it.outcomes()['a'], 'Offered', 'the old failure is not believed again')
  })

  test('rollback: everything touched goes back at once and the content is held', () => {
    const planned = plan([wave('one', ['a', 'b', 'c'], { maxConcurrent: 2 })], {
      onFailure: 'rollback',
    })
    const it = drive({ ...planned, targets: { ...planned.targets, b: target(null) } })
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1, { phase: 'Failed' })
    it.seen['b'] = reports(good, 1)
    it.look(1)
    assert.equal(it.run.phase, 'RollingBack')
    assert.deepEqual(it.outcomes(), { a: 'Reverting', b: 'Reverting', c: 'Pending' })
    const assigned = it.last.effects.filter((effect) => effect.kind === 'assign')
    assert.deepEqual(
      assigned.map((effect) => [effect.cluster, effect.content.digest]),
      [
        ['a', old.digest],
        ['b', null],
      ],
    )
    assert.ok(it.last.effects.some((effect) => effect.kind === 'hold'))
    it.seen['a'] = reports(old, 2)
    it.look(2)
    assert.equal(it.run.phase, 'RollingBack')
    it.seen['b'] = away(2)
    it.look(30_002)
    assert.equal(it.run.phase, 'RolledBack')
    assert.match(it.run.message, /1 did not confirm it/)
    assert.throws(() => it.act({ kind: 'retry' }), /tried again by `swell rollout start shop`/)
    assert.deepEqual(it.outcomes(), { a: 'Reverted', b: 'Reverted', c: 'Skipped' })
  })

  test('continue: goes on and ends as failed', () => {
    const it = drive(plan([wave('one', ['a']), wave('two', ['b'])], { onFailure: 'continue' }))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1, { phase: 'Failed' })
    it.look(1)
    assert.deepEqual(it.outcomes(), { a: 'Failed', b: 'Offered' })
    it.seen['b'] = reports(good, 2)
    it.look(2)
    assert.equal(it.run.phase, 'Failed')
    assert.equal(it.run.message, '1 succeeded, 1 failed')
  })

  test('continue: stops all the same where a mandatory wave fails', () => {
    const canary = wave('one', ['a', 'b'], { mandatory: true, maxConcurrent: 1 })
    const rest = { onFailure: 'continue', maxFailures: 0 } as const
    const it = drive(plan([canary, wave('two', ['c', 'd'], { maxConcurrent: 1 })], rest))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1, { phase: 'Failed' })
    it.look(1)
    assert.equal(it.run.phase, 'Paused')
    assert.match(it.run.message, /wave one had 1 failure and tolerates none/)
    assert.throws(() => it.act({ kind: 'resume' }), conflict)
    it.act({ kind: 'retry' }, 2)
    for (const name of ['a', 'b']) {
      it.seen[name] = reports(good, it.generation)
      it.look(3)
    }
    it.seen['c'] = reports(good, it.generation, { phase: 'Failed' })
    it.look(4)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Succeeded', c: 'Failed', d: 'Offered' })
  })
})

describe('actions', () => {
  test('pause keeps new clusters out while those in flight end; resume goes on', () => {
    const it = drive(plan([wave('one', ['a', 'b'], { maxConcurrent: 1 })]))
    it.act({ kind: 'start' })
    it.act({ kind: 'pause' }, 1)
    it.seen['a'] = reports(good, 1)
    it.look(2)
    assert.equal(it.run.phase, 'Paused')
    assert.equal(it.run.message, 'paused by alice: why')
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Pending' })
    it.act({ kind: 'resume' }, 3)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Offered' })
  })

  test('abort leaves clusters where they are and says so', () => {
    const it = drive(plan([wave('one', ['a', 'b'], { maxConcurrent: 1 })]))
    it.act({ kind: 'start' })
    const { effects } = it.act({ kind: 'abort' }, 1)
    assert.deepEqual(effects, [])
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Skipped' })
    assert.equal(it.run.phase, 'Aborted')
    assert.equal(it.run.finishedAt, 1)
  })

  test('a finished rollout can be rolled back by hand', () => {
    const it = drive(plan([wave('one', ['a'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1)
    it.look(1)
    assert.equal(it.run.phase, 'Succeeded')
    it.act({ kind: 'rollback' }, 2)
    assert.deepEqual(it.outcomes(), { a: 'Reverting' })
    assert.equal(it.run.finishedAt, null)
  })

  test('what does not fit is a conflict, and asking twice is not', () => {
    const it = drive(plan([wave('one', ['a'])]))
    for (const kind of ['approve', 'pause', 'resume', 'rollback', 'retry'] as const) {
      assert.throws(() => it.act({ kind }), conflict, kind)
    }
    it.act({ kind: 'start' })
    const { version } = it.run
    it.act({ kind: 'start' })
    it.act({ kind: 'resume' })
    assert.equal(it.run.version, version)
    it.act({ kind: 'abort' })
    it.act({ kind: 'abort' })
    for (const kind of ['start', 'approve', 'pause', 'resume', 'retry'] as const) {
      assert.throws(() => it.act({ kind }), conflict, kind)
    }
    assert.throws(() => it.act({ kind: 'skip', cluster: 'a' }), conflict)
  })
})
