import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Enrolment } from '../../../../hub/ledger/entry.ts'
import {
  type Membership,
  type MembershipDecision,
  emptyMembership,
  foldMembership,
  listSharing,
} from '../../../../hub/ledger/membership.ts'

const names = ['a', 'b', 'c', 'd']
const uids = ['one', 'two', 'three']

function enrolmentOf(cluster: string, clusterUid: string, turn: number): Enrolment {
  return {
    cluster,
    clusterUid,
    clusterId: `${cluster}-${turn}`,
    boundKey: 'key',
    enrolledAt: turn,
  }
}

function fold(decisions: readonly MembershipDecision[]): Membership {
  const state = emptyMembership()
  decisions.forEach((decision, at) => foldMembership(state, decision, at))
  return state
}

const decision: fc.Arbitrary<MembershipDecision> = fc.oneof(
  fc
    .record({
      cluster: fc.constantFrom(...names),
      uid: fc.constantFrom(...uids),
      turn: fc.nat(3),
    })
    .map(({ cluster, uid, turn }) => ({
      type: 'cluster.enrolled' as const,
      enrolment: enrolmentOf(cluster, uid, turn),
      tokenId: `${cluster}-${turn}`,
    })),
  fc
    .constantFrom(...names)
    .map((cluster) => ({ type: 'cluster.revoked' as const, cluster, reason: '' })),
)

describe('membership', () => {
  test('who shares a UID is found as a walk of all would find it, whatever was decided', () => {
    fc.assert(
      fc.property(fc.array(decision, { maxLength: 40 }), (decisions) => {
        const state = fold(decisions)
        for (const uid of uids) {
          const walked = [...state.enrolments.values()].filter(
            ({ cluster, clusterUid }) => clusterUid === uid && !state.revoked.has(cluster),
          )
          const found = listSharing(state, uid)
          assert.deepEqual(new Set(found), new Set(walked))
          assert.equal(found.length, walked.length)
        }
        const listed = [...state.clusterUids.values()].flatMap((sharing) => [...sharing])
        assert.equal(listed.length, state.enrolments.size, 'nothing is kept of who went')
      }),
    )
  })

  test('of a cluster that joins without end the newest ids are known', () => {
    const joins = Array.from({ length: 40 }, (_, turn): MembershipDecision => {
      const enrolment = enrolmentOf('a', 'one', turn)
      return { type: 'cluster.enrolled', enrolment, tokenId: `${turn}` }
    })
    const ids = fold([...joins, joins.at(-1)!]).agentIds.get('one')!
    assert.equal(ids.length, 16)
    assert.equal(ids.at(-1), 'a-39')
  })

  test('a join looks at no other member: ten thousand can join', () => {
    const state = fold([
      { type: 'cluster.enrolled', enrolment: enrolmentOf('a', 'one', 0), tokenId: 'x' },
    ])
    state.enrolments.values = () => assert.fail('all members were walked')
    assert.deepEqual(listSharing(state, 'two'), [])
    assert.equal(listSharing(state, 'one')[0]?.cluster, 'a')
  })

  test('expired tokens go in the end, and are looked for a number of times that tokens pay for', () => {
    const state = emptyMembership()
    let looked = 0
    const entries = state.tokens[Symbol.iterator].bind(state.tokens)
    state.tokens[Symbol.iterator] = () => {
      looked += state.tokens.size
      return entries()
    }
    const made = 4_096
    const create = (at: number, expiresAt: number): void => {
      const token = { tokenId: `${at}`, cluster: 'a', key: 'k', expiresAt }
      foldMembership(state, { type: 'token.created', token }, at)
    }
    for (let at = 0; at < made; at += 1) create(at, 1e9)
    assert.equal(state.tokens.size, made)
    assert.ok(looked <= 2 * made, `${looked} tokens were looked at for ${made}`)
    for (let at = 0; at < 8 * made; at += 1) create(2e9 + at, 2e9 + at + 10)
    assert.ok(state.tokens.size <= 2 * made + 10, `${state.tokens.size} are kept`)
    assert.ok(!state.tokens.has('0'))
  })
})
