import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { emptyChain, extendChain } from '../../../hub/ledger/chain.ts'
import type { Decision } from '../../../hub/ledger/entry.ts'
import type { RolloutPlan, RolloutRun } from '../../../hub/rollout/rollout.ts'
import { judgeLedger } from '../../support/ledger-oracle.ts'

/* A test may only trust a judge that has been seen to say no. */

const target = { digest: digestOf('new'), size: 3, revision: 'main@sha1:1', previous: null }
const wave = {
  maxFailures: 0,
  maxConcurrent: 1,
  soak: 10,
  progressDeadline: 1_000,
  after: [],
}

function createPlan(id: string): RolloutPlan {
  return {
    id,
    application: 'web',
    revision: 'main@sha1:1',
    contentDigest: digestOf('content'),
    createdAt: 0,
    trigger: { kind: 'commit', actor: 'git', reason: '' },
    targets: { a: target, b: target, c: target },
    waves: [
      { ...wave, name: 'canary', clusters: ['a'], before: [] },
      {
        ...wave,
        name: 'production',
        clusters: ['b', 'c'],
        before: [{ kind: 'approval', role: 'operator' }],
      },
    ],
    maxFailures: 0,
    onFailure: 'pause',
    offline: 'skip',
    supersede: 'replace',
  }
}

type Move = Partial<RolloutRun>
const offered = (generation: number) => ({ state: 'Offered', generation, offeredAt: 0 }) as const
const soaking = (generation: number, since: number) =>
  ({ state: 'Soaking', generation, offeredAt: 0, healthySince: since }) as const
const done = (generation: number, at: number, outcome: 'Succeeded' | 'Failed' = 'Succeeded') =>
  ({ state: 'Done', outcome, generation, at, message: '' }) as const
const approvals = [{ wave: 1, gate: 'before', actor: 'admin', at: 20, reason: '' }] as const

/** What a rollout that keeps every rule writes. */
const good: readonly Move[] = [
  { phase: 'Progressing', startedAt: 1, waveStartedAt: 1, clusters: { a: offered(1) } },
  { clusters: { a: soaking(1, 5) } },
  { clusters: { a: done(1, 15) }, wave: 1, waveStartedAt: null },
  { approvals, waveStartedAt: 20, clusters: { b: offered(2) } },
  { clusters: { b: soaking(2, 25) } },
  { clusters: { b: done(2, 35), c: offered(3) } },
  { clusters: { c: soaking(3, 40) } },
  { clusters: { c: done(3, 50) }, phase: 'Succeeded', finishedAt: 50 },
]

function write(moves: readonly Move[], before: readonly Decision[] = [], id = 'r-1'): string {
  const decisions: Decision[] = [...before, { type: 'rollout.created', plan: createPlan(id) }]
  moves.forEach((change, at) => {
    const moved = { version: at + 2, ...change }
    decisions.push({
      type: 'rollout.moved',
      rollout: id,
      cause: 'observe',
      reason: '',
      change: moved,
    })
  })
  const { lines } = extendChain(emptyChain, 100, 'hub', decisions)
  return lines.map((line) => `${line}\n`).join('')
}

/** The good story with one chapter told differently. */
const change = (at: number, move: Move) => write(good.with(at, { ...good[at], ...move }))

describe('the judge of ledgers', () => {
  it('finds nothing wrong with a rollout that kept every rule, and counts it', () => {
    assert.deepEqual(judgeLedger(write(good)), { entries: 9, rollouts: 1, offers: 3, waves: 1 })
  })

  it('reads no further than the last line feed', () => {
    assert.equal(judgeLedger(`${write(good)}{"index":10`).entries, 9)
  })

  const wrong: readonly { what: string; ledger: string; says: RegExp }[] = [
    {
      what: 'a line that was changed',
      ledger: write(good).replace('"healthySince":5', '"healthySince":4'),
      says: /does not continue the line before/,
    },
    {
      what: 'a line that was taken out',
      ledger: write(good).split('\n').toSpliced(3, 1).join('\n'),
      says: /entry/,
    },
    { what: 'a gap in the versions', ledger: change(2, { version: 9 }), says: /have a gap/ },
    {
      what: 'production before the canary is done',
      ledger: change(1, { wave: 1, approvals, clusters: { b: offered(2) } }),
      says: /in flight|before a of wave canary was done/,
    },
    {
      what: 'production offered while the canary wave is in hand',
      ledger: change(2, { wave: 0, clusters: { a: done(1, 15), b: offered(2) } }),
      says: /while wave 0 was in hand/,
    },
    {
      what: 'a gate nobody opened',
      ledger: change(3, { approvals: [] }),
      says: /without the approval before wave production/,
    },
    {
      what: 'more in flight than the wave allows',
      ledger: change(3, { clusters: { b: offered(2), c: offered(2) } }),
      says: /2 in flight where 1 may be/,
    },
    {
      what: 'an end before the soak is over',
      ledger: change(2, { clusters: { a: done(1, 14) } }),
      says: /before its soak was over/,
    },
    {
      what: 'a wave begun over a failure',
      ledger: change(2, { clusters: { a: done(1, 15, 'Failed') } }),
      says: /though wave canary had failed/,
    },
    {
      what: 'something new offered while paused',
      ledger: write([
        ...good.slice(0, 4),
        { clusters: { b: soaking(2, 25) } },
        { phase: 'Paused' },
        { clusters: { b: done(2, 35), c: offered(3) } },
      ]),
      says: /while paused/,
    },
    {
      what: 'a generation used twice',
      ledger: write([...good.slice(0, 2), { clusters: { a: { state: 'Pending' } } }, good[0]!]),
      says: /generation of a\/web did not rise/,
    },
    {
      what: 'a move after the end',
      ledger: write([...good, { message: 'more' }]),
      says: /moved after its end/,
    },
    {
      what: 'two rollouts of an application at once',
      ledger: write(good.slice(0, 1), [
        { type: 'rollout.created', plan: createPlan('r-0') },
        {
          type: 'rollout.moved',
          rollout: 'r-0',
          cause: 'observe',
          reason: '',
          change: { version: 2, phase: 'Progressing', startedAt: 1 },
        },
      ]),
      says: /started beside another/,
    },
    {
      what: 'held content that comes back by itself',
      ledger: write(good, [
        {
          type: 'hold.set',
          hold: {
            application: 'web',
            contentDigest: digestOf('content'),
            revision: '',
            rollout: 'r-0',
            at: 0,
            reason: '',
          },
        },
      ]),
      says: /came back by itself/,
    },
  ]
  for (const { what, ledger, says } of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => judgeLedger(ledger), says))
  }
})
