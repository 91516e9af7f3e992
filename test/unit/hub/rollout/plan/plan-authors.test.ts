import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addRollout, putAssignment } from '../../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import type { AuthorsRequest } from '../../../../../hub/render/authors.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import { findPlanAuthors } from '../../../../../hub/rollout/plan/plan-authors.ts'
import { old, plan, wave } from '../world.ts'

const gate = { kind: 'approval', role: 'operator', notAuthor: true } as const
const asking = plan([wave('one', ['a', 'b', 'c'], { after: [gate] })], { fleetRevision: 'f@2' })

function world() {
  const state = emptyState()
  const before = plan([wave('one', ['a'])], { id: 'r0', fleetRevision: 'f@1' })
  addRollout(state, before, createRun(before))
  for (const cluster of ['a', 'b']) {
    const where = { cluster, application: 'shop', generation: 1 }
    putAssignment(state, { ...old, ...where, rollout: 'r0' })
  }
  const asked: AuthorsRequest[] = []
  const find = (made = asking, answer = async (): Promise<string[]> => ['Ada']) =>
    findPlanAuthors(state, made, async (request) => {
      asked.push(request)
      return answer()
    })
  return { asked, find }
}

describe('who made what a plan brings', () => {
  test('is asked since what its clusters have, once for those that have the same', async () => {
    const { asked, find } = world()
    assert.deepEqual(await find(), { authors: ['Ada'] })
    const since = [
      { revision: old.revision, fleetRevision: 'f@1' },
      { revision: old.revision, fleetRevision: undefined },
    ]
    const { application, revision } = asking
    assert.deepEqual(asked, [{ application, revision, fleetRevision: 'f@2', since }])
  })

  test('is not asked where no gate wants to know', async () => {
    const { asked, find } = world()
    const anybody = { kind: 'approval', role: 'operator' } as const
    assert.deepEqual(await find(plan([wave('one', ['a'], { after: [anybody] })])), {})
    assert.deepEqual(asked, [])
  })

  test('is not known when Git cannot be asked', async () => {
    const away = async () => Promise.reject(new Error('the renderer is away'))
    assert.deepEqual(await world().find(asking, away), { authors: null })
  })
})
