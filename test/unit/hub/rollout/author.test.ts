import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import type { PlannedWave, RolloutPlan } from '../../../../hub/rollout/rollout.ts'
import { drive, good, plan, reports, wave } from './world.ts'

const code = (expected: string) => (error: unknown) =>
  error instanceof HubError && error.code === expected

/** A first wave that is done, with these gates after it, and a second one. */
function afterWave(
  after: PlannedWave['after'],
  rest: Partial<RolloutPlan> = {},
  start: { readonly actor?: string; readonly madeBy?: string } = {},
) {
  const { actor, ...by } = start
  const it = drive(plan([wave('one', ['a'], { after }), wave('two', ['z'])], rest))
  it.act({ kind: 'start', ...by }, 0, actor)
  it.seen['a'] = reports(good, it.generation)
  it.look(0)
  return it
}

describe('notAuthor', () => {
  const approval = { kind: 'approval', role: 'operator', notAuthor: true } as const
  const author = 'Ada Lovelace <ada@example.com>'

  test('whoever made the commit may not approve it, by name or address', () => {
    for (const actor of [author, 'Ada Lovelace', 'ADA@example.com']) {
      const it = afterWave([approval], { author })
      assert.throws(() => it.act({ kind: 'approve' }, 1, actor), code('forbidden'))
      assert.equal(it.run.wave, 0)
      it.act({ kind: 'approve' }, 1, 'bob@example.com')
      assert.equal(it.run.wave, 1)
    }
  })

  // People log in as `oidc:ADDRESS`, which was compared as it stands: every author could approve.
  test('nor may who logged in as them, by whatever claim names people', () => {
    const subject = 'oidc:248289761001'
    const ways: readonly [string, readonly string[]][] = [
      ['oidc:Ada@example.com', []],
      ['oidc:ada lovelace', ['ada lovelace']],
      [subject, ['248289761001', 'ada@example.com']],
      ['token:ci', [subject, '248289761001', 'ada@example.com']],
    ]
    for (const [actor, names] of ways) {
      const it = afterWave([approval], { author })
      const approve = { kind: 'approve', names } as const
      assert.throws(() => it.act(approve, 1, actor), code('forbidden'), actor)
      assert.equal(it.run.wave, 0)
    }
    const it = afterWave([approval], { author })
    it.act({ kind: 'approve', names: ['bob@example.com'] }, 1, 'oidc:1234')
    assert.equal(it.run.wave, 1)
  })

  test('nor who cannot be told from them, and is told what is missing', () => {
    const it = afterWave([approval], { author })
    assert.throws(
      () => it.act({ kind: 'approve', names: ['1234', 'Bob'] }, 1, 'oidc:1234'),
      /by which address Git knows you: have the identity provider put `email`/,
    )
    it.act({ kind: 'approve' }, 1, 'token:somebody-elses')
    assert.equal(it.run.wave, 1)
  })

  test('nor may whoever started it by hand, or a token of theirs', () => {
    const trigger = { kind: 'api', actor: 'oidc:eve', reason: '' } as const
    const by = afterWave([approval], { trigger })
    assert.throws(
      () => by.act({ kind: 'approve', names: ['oidc:eve'] }, 1, 'token:eves'),
      code('forbidden'),
    )
    const it = afterWave([approval], { trigger: { kind: 'api', actor: 'eve', reason: '' } })
    assert.throws(() => it.act({ kind: 'approve' }, 1, 'eve'), code('forbidden'))
  })

  // The author of the newest commit was the only one.
  test('nor whoever made one of the commits that it brings', () => {
    const authors = ['Bob <bob@b.c>', 'Eve <eve@b.c>']
    for (const names of [['eve@b.c'], ['Bob']]) {
      const it = afterWave([approval], { author, authors })
      assert.throws(() => it.act({ kind: 'approve', names }, 1, 'oidc:1'), code('forbidden'))
      it.act({ kind: 'approve', names: ['dan@b.c'] }, 1, 'oidc:2')
      assert.equal(it.run.wave, 1)
    }
  })

  // Whoever made it was called `git` then, and could approve.
  test('nor anybody where nobody can tell who made them, and is told what to do', () => {
    const it = afterWave([approval], { authors: null })
    assert.throws(
      () => it.act({ kind: 'approve', names: ['dan@b.c'] }, 1, 'oidc:2'),
      /`swell rollout abort r1`, and `swell rollout start shop` asks again/,
    )
  })

  // Only who had it planned counted, and by a token nobody.
  test('nor whoever had it begin that waited for a person, or either by a token', () => {
    const approve = { kind: 'approve', names: ['eve@b.c'] } as const
    const commit = { kind: 'commit', actor: author, reason: '' } as const
    const api = { kind: 'api', actor: 'token:eves', madeBy: 'oidc:eve', reason: '' } as const
    const worlds = [
      afterWave([approval], { trigger: commit }, { actor: 'oidc:eve' }),
      afterWave([approval], { trigger: commit }, { actor: 'token:eves', madeBy: 'oidc:eve' }),
      afterWave([approval], { trigger: api }),
    ]
    for (const it of worlds) {
      assert.throws(() => it.act(approve, 1, 'oidc:eve'), code('forbidden'))
      it.act({ kind: 'approve', names: ['bob@b.c'] }, 1, 'oidc:bob')
      assert.equal(it.run.wave, 1)
    }
  })

  test('without it the author is one of the people who may', () => {
    const it = afterWave([{ kind: 'approval', role: 'operator' }], { author })
    it.act({ kind: 'approve' }, 1, 'ada@example.com')
    assert.equal(it.run.wave, 1)
  })
})
