import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HubError } from '../../../../../hub/errors.ts'
import { dealApprovals, missingRoles } from '../../../../../hub/rollout/gate/approvals.ts'
import { drive, good, plan, reports, wave } from '../world.ts'

const ann = { actor: 'ann', roles: ['operator', 'security'] }
const bob = { actor: 'bob', roles: ['operator'] }
const cid = { actor: 'cid', roles: ['security'] }

describe('approvals by roles', () => {
  test('come in any order, each for a role its giver has', () => {
    const slots = ['operator', 'security']
    assert.deepEqual(missingRoles(slots, [cid]), ['operator'])
    assert.deepEqual(missingRoles(slots, [cid, bob]), [])
    assert.deepEqual(missingRoles(slots, [bob, { ...bob, actor: 'ben' }]), ['security'])
  })

  test('who has both roles stands for the one nobody else can give', () => {
    assert.deepEqual(dealApprovals(['operator', 'security'], [ann, bob]), ['bob', 'ann'])
    assert.deepEqual(dealApprovals(['security', 'operator'], [ann, cid]), ['cid', 'ann'])
  })

  test('one person counts once, and one of before roles were kept counts for any', () => {
    assert.deepEqual(missingRoles(['operator', 'operator'], [ann, ann]), ['operator'])
    assert.deepEqual(missingRoles(['operator', 'security'], [{ actor: 'old' }, cid]), [])
  })

  test('who made a token is one person with it, and with their other tokens', () => {
    const token = { actor: 'token:bobs', roles: ['operator'], madeBy: 'bob' }
    const other = { ...token, actor: 'token:bobs-other' }
    assert.deepEqual(missingRoles(['operator', 'operator'], [bob, token]), ['operator'])
    assert.deepEqual(missingRoles(['operator', 'operator'], [token, other]), ['operator'])
    assert.deepEqual(missingRoles(['operator', 'operator'], [token, ann]), [])
  })

  test('as many roles are filled as there can be', () => {
    const role = fc.constantFrom('a', 'b', 'c')
    const slots = fc.array(role, { maxLength: 4 })
    const given = fc.array(
      fc.record({
        actor: fc.constantFrom('1', '2', '3', '4'),
        roles: fc.subarray(['a', 'b', 'c']),
      }),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(slots, given, (slots, given) => {
        const people = [...new Map(given.toReversed().map((one) => [one.actor, one])).values()]
        const most = (at: number, left: typeof people): number => {
          if (at === slots.length) return 0
          const fits = left.filter(({ roles }) => roles.includes(slots[at]!))
          return Math.max(
            most(at + 1, left),
            ...fits.map(
              (one) =>
                1 +
                most(
                  at + 1,
                  left.filter((each) => each !== one),
                ),
            ),
          )
        }
        const dealt = dealApprovals(slots, given)
        const filled = dealt.filter((one) => one !== null)
        assert.equal(filled.length, most(0, people))
        assert.equal(new Set(filled).size, filled.length)
        for (const [at, actor] of dealt.entries()) {
          if (actor === null) continue
          assert.ok(people.find((one) => one.actor === actor)?.roles.includes(slots[at]!))
        }
      }),
    )
  })
})

describe('a gate of two roles', () => {
  const gated = wave('one', ['a'], {
    before: [
      { kind: 'approval', role: 'operator' },
      { kind: 'approval', role: 'security' },
    ],
  })

  test('is opened by one of each, whoever comes first', () => {
    const it = drive(plan([gated]))
    it.act({ kind: 'start' })
    it.act({ kind: 'approve', roles: ['security'] }, 1, 'cid')
    assert.deepEqual(it.last.waitingFor, [
      'the gate before wave one waits for an approval by the role operator',
    ])
    it.act({ kind: 'approve', roles: ['operator'] }, 2, 'bob')
    assert.notEqual(it.run.waveStartedAt, null)
  })

  test('a second of the same role is refused, and opens nothing', () => {
    const it = drive(plan([gated]))
    it.act({ kind: 'start' })
    it.act({ kind: 'approve', roles: ['security'] }, 1, 'cid')
    assert.throws(
      () => it.act({ kind: 'approve', roles: ['security'] }, 2, 'eve'),
      (error) => error instanceof HubError && error.code === 'forbidden',
    )
    assert.equal(it.run.waveStartedAt, null)
    assert.equal(it.run.approvals.length, 1)
  })
})

describe('a gate that whoever opens it has seen', () => {
  const role = 'operator'
  const two = plan([
    wave('one', ['a'], { after: [{ kind: 'approval', role }] }),
    wave('two', ['b'], {
      before: [
        { kind: 'approval', role },
        { kind: 'soak', duration: 60_000 },
      ],
    }),
  ])
  const first = { wave: 0, gate: 'after' } as const
  const second = { wave: 1, gate: 'before' } as const

  function atFirst() {
    const it = drive(two)
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, it.generation)
    it.look(1)
    return it
  }

  test('is opened once by an approval that is delivered twice, and not the next one with it', () => {
    const it = atFirst()
    for (const now of [2, 3]) it.act({ kind: 'approve', roles: [role], at: first }, now)
    assert.deepEqual(
      it.run.approvals.map(({ wave, gate }) => [wave, gate]),
      [[0, 'after']],
    )
    assert.equal(it.run.waveStartedAt, null)
    it.act({ kind: 'approve', roles: [role], at: second }, 4)
    it.act({ kind: 'promote', at: second }, 5)
    assert.notEqual(it.run.waveStartedAt, null)
  })

  test('is opened in no other place', () => {
    const it = atFirst()
    const wrong = [
      { kind: 'approve', roles: [role], at: second },
      { kind: 'promote', at: second },
      { kind: 'approve', roles: [role], at: { wave: 7, gate: 'after' } },
    ] as const
    for (const action of wrong) {
      assert.throws(
        () => it.act(action, 2),
        (error) => error instanceof HubError && /does not wait at the gate/.test(error.message),
      )
    }
    it.act({ kind: 'approve', roles: [role], at: first }, 3, 'bob')
    assert.throws(
      () => it.act({ kind: 'approve', roles: [role], at: first }, 4, 'ann'),
      /does not wait at the gate after wave one/,
    )
  })
})
