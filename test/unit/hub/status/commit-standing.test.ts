import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type {
  ClusterOutcome,
  ClusterProgress,
  RolloutPhase,
  RolloutPlan,
  RolloutRun,
} from '../../../../hub/rollout/rollout.ts'
import { judgeCommit, listCommitRollouts } from '../../../../hub/status/commit-standing.ts'
import { plan, wave } from '../rollout/world.ts'

const commit = 'a'.repeat(40)
const other = 'b'.repeat(40)
const revision = `main@sha1:${commit}`

const done = (outcome: ClusterOutcome): ClusterProgress => ({
  ...{ state: 'Done', outcome, generation: 1, at: 0, message: '' },
})

function rollout(
  given: Partial<RolloutPlan>,
  phase: RolloutPhase,
  clusters: Readonly<Record<string, ClusterProgress>> = {},
  waveInHand = 0,
) {
  const { waves = [wave('all', Object.keys(clusters))], ...rest } = given
  const made = plan(waves, { revision, ...rest })
  const run: RolloutRun = { ...createRun(made), phase, clusters, wave: waveInHand }
  return { plan: made, run }
}

const judge = (...rollouts: ReturnType<typeof rollout>[]) =>
  judgeCommit({ repository: 'fleet', commit, rollouts, version: '' })

const many = (count: number, name: string, progress: ClusterProgress) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}-${at}`, progress]))

describe('the standing of a commit', () => {
  it('is one sentence for all clusters', () => {
    const clusters = {
      ...many(380, 'good', done('Succeeded')),
      ...many(1, 'bad', done('Failed')),
      ...many(1, 'late', done('TimedOut')),
      ...many(30, 'away', done('Unreachable')),
    }
    const names = Object.keys(clusters)
    const waves = [names, [], [], []].map((of, at) => wave(`w${at}`, of))
    assert.deepEqual(judge(rollout({ waves }, 'Progressing', clusters, 1)), {
      ...{ repository: 'fleet', commit, state: 'pending' },
      description: 'wave 2/4, 380/412 clusters at this commit, 2 failed, 30 offline',
    })
  })

  it('counts a cluster by the worst of its applications', () => {
    const shop = rollout({ application: 'shop' }, 'Succeeded', {
      a: done('Succeeded'),
      b: done('Succeeded'),
    })
    const web = rollout({ application: 'web' }, 'Failed', { b: done('Failed') })
    const { state, description } = judge(shop, web)
    assert.deepEqual(
      [state, description],
      ['failure', 'failed, 1/2 clusters at this commit, 1 failed'],
    )
  })

  it('takes a rollout that caught up for the one before it', () => {
    const first = rollout({}, 'Failed', { a: done('Succeeded'), b: done('Failed') })
    const again = rollout({ id: 'r2' }, 'Succeeded', { b: done('Succeeded') })
    assert.deepEqual(judge(first, again).description, '2/2 clusters at this commit')
    assert.equal(judge(first, again).state, 'success')
  })

  for (const [phase, state, words] of [
    ['Planned', 'pending', 'waits to be started, wave 1/1, '],
    ['Progressing', 'pending', 'wave 1/1, '],
    ['Paused', 'pending', 'paused, wave 1/1, '],
    ['RollingBack', 'pending', 'rolling back, wave 1/1, '],
    ['Succeeded', 'success', ''],
    ['Failed', 'failure', 'failed, '],
    ['RolledBack', 'failure', 'rolled back, '],
    ['Aborted', 'failure', 'aborted, '],
    ['Superseded', 'error', 'replaced by a newer commit, '],
  ] as const) {
    it(`of a rollout that is ${phase} is ${state}`, () => {
      const standing = judge(rollout({}, phase, { a: { state: 'Pending' } }))
      assert.deepEqual(
        [standing.state, standing.description],
        [state, `${words}0/1 clusters at this commit`],
      )
    })
  }
})

describe('commits with a status', () => {
  const list = (rollouts: ReturnType<typeof rollout>[], since = 100) =>
    listCommitRollouts(
      {
        plans: new Map(rollouts.map((each) => [each.plan.id, each.plan])),
        runs: new Map(rollouts.map((each) => [each.run.id, each.run])),
      },
      (application) => (application === 'shop' ? 'shop-source' : undefined),
      since,
    ).map(({ repository, commit }) => `${repository} ${commit}`)

  it('are those of the source and of the fleet repository', () => {
    const both = rollout({ fleetRevision: `main@sha1:${other}` }, 'Progressing')
    assert.deepEqual(list([both]), [`shop-source ${commit}`, `fleet ${other}`])
  })

  it('are on their way, or were since the hub began', () => {
    assert.deepEqual(list([rollout({ createdAt: 99 }, 'Succeeded')]), [])
    assert.deepEqual(list([rollout({ createdAt: 100 }, 'Succeeded')]), [`shop-source ${commit}`])
    assert.deepEqual(list([rollout({ createdAt: 99 }, 'Paused')]), [`shop-source ${commit}`])
  })

  it('are not those that a rollback goes to', () => {
    const trigger = { kind: 'rollback', actor: 'git', reason: '' } as const
    assert.deepEqual(list([rollout({ trigger }, 'Progressing')]), [])
  })
})
