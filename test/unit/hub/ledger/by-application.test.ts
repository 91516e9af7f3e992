import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assignedTo, plansOf, runsOf } from '../../../../hub/ledger/by-application.ts'
import { emptyChain, extendChain } from '../../../../hub/ledger/chain.ts'
import type { Decision } from '../../../../hub/ledger/entry.ts'
import { emptyState, foldEntry } from '../../../../hub/ledger/replay.ts'
import { toChange } from '../../../../hub/rollout/store/change.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import { step } from '../../../../hub/rollout/step/step.ts'
import { idle, old, plan, target, wave } from '../rollout/world.ts'

const applications = ['db', 'shop', 'web']

test('what is found of an application is what a look at everything finds', () => {
  const rollout = fc.record({
    application: fc.constantFrom(...applications),
    clusters: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
    end: fc.constantFrom('planned', 'started', 'aborted'),
    again: fc.boolean(),
  })
  // Long enough for the oldest to be forgotten.
  const story = fc.array(rollout, { minLength: 1, maxLength: 200, size: 'max' })
  fc.assert(
    fc.property(story, (rollouts) => {
      const state = emptyState()
      let head = emptyChain
      const decide = (decision: Decision, again = false): void => {
        const made = extendChain(head, 1, 'hub', [decision])
        head = made.head
        for (const entry of made.entries) foldEntry(state, entry)
        if (again) for (const entry of made.entries) foldEntry(state, entry)
      }
      for (const [index, { application, clusters, end, again }] of rollouts.entries()) {
        const id = `r${index}`
        const targets = Object.fromEntries(clusters.map((name) => [name, target(old)]))
        const planned = { ...plan([wave('all', clusters)], { id, targets }), application }
        decide({ type: 'rollout.created', plan: planned }, again)
        let run = createRun(planned)
        const act = (kind: 'start' | 'abort'): void => {
          const event = { kind: 'action', action: { kind }, actor: 'a', reason: '' } as const
          const seen = Object.fromEntries(clusters.map((name) => [name, idle()]))
          const next = step(planned, run, event, seen, index, head.index + 1).run
          const change = toChange(run, next)
          run = next
          decide({ type: 'rollout.moved', rollout: id, cause: kind, reason: '', change }, again)
        }
        if (end !== 'planned') act('start')
        if (end === 'aborted') act('abort')
      }
      for (const application of applications) {
        const plans = [...state.plans.values()].filter((one) => one.application === application)
        assert.deepEqual(plansOf(state, application), plans)
        assert.deepEqual(
          runsOf(state, application),
          plans.map(({ id }) => state.runs.get(id)),
        )
        const assigned = [...state.assignments].flatMap(([cluster, mine]) => {
          const one = mine.get(application)
          return one ? [[cluster, one] as const] : []
        })
        assert.deepEqual(new Map(assignedTo(state, application)), new Map(assigned))
      }
      assert.deepEqual([...state.plans.keys()], [...state.runs.keys()])
    }),
    { numRuns: 40 },
  )
})
