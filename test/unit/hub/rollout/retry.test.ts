import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createHubWorld } from './any-hub.ts'
import type { HubMove } from './any-hub-move.ts'

const commit = (offline: 'skip' | 'fail'): HubMove => ({
  ...{ kind: 'commit', application: 'db', content: 0, start: true, leaves: null },
  strategy: { waves: [{ name: 'all', selector: {} }], offline },
})
const act = (action: 'retry' | 'rollback' | 'abort'): HubMove => ({
  ...{ kind: 'act', application: 'db', action, cluster: 0, actor: 'alice' },
})

async function playAll(moves: readonly HubMove[]) {
  const world = await createHubWorld()
  for (const move of moves) await world.play(move)
  return world
}

describe('what a person asks of a rollout again', () => {
  // Found by the property I6: clusters that were done with were not looked at, and so taken for absent.
  for (const offline of ['skip', 'fail'] as const) {
    it(`offers to a cluster that failed long ago what it is retried for (offline: ${offline})`, async () => {
      const world = await playAll([
        commit(offline),
        ...[1, 2, 3, 4, 5].map((cluster): HubMove => ({ kind: 'report', cluster, well: true })),
        { kind: 'report', cluster: 0, well: false },
        { kind: 'pass', ms: 61_000 },
        act('retry'),
      ])
      const [run] = world.state.runs.values()
      assert.equal(run?.clusters['c0']?.state, 'Offered')
      await world.play({ kind: 'report', cluster: 0, well: true })
      await world.play({ kind: 'notice', application: 'db' })
      assert.equal(world.state.runs.get(run.id)?.phase, 'Succeeded')
    })
  }

  it('offers to a cluster that was away, once it is back', async () => {
    const world = await playAll([
      { kind: 'cut', cluster: 0 },
      commit('fail'),
      { kind: 'pass', ms: 31_000 },
      { kind: 'notice', application: 'db' },
      { kind: 'join', cluster: 0 },
      act('retry'),
    ])
    const [run] = world.state.runs.values()
    assert.equal(run?.clusters['c0']?.state, 'Offered')
  })

  // Found by F58, 50 agents and a hub that was killed: it was planned for ever.
  it('starts what a hub that died had written down and not yet started', async () => {
    const world = await playAll([{ kind: 'fail', how: 'after' }, commit('skip')])
    assert.deepEqual(
      [...world.state.runs.values()].map(({ phase }) => phase),
      ['Planned'],
    )
    await world.play({ kind: 'sweep' })
    assert.deepEqual(
      [...world.state.runs.values()].map(({ phase }) => phase),
      ['Progressing'],
    )
  })

  // Found by the same property: the one that waits in line began beside the one that takes its place.
  it('ends what a hub that died had begun: a plan takes the place of one that waits', async () => {
    const waves = [{ name: 'all', selector: {} }]
    const next = (content: number, supersede: 'queue' | 'replace'): HubMove => ({
      ...{ kind: 'commit', application: 'db', content, start: true, leaves: null },
      strategy: { waves, supersede },
    })
    const world = await playAll([
      next(0, 'replace'),
      next(1, 'queue'),
      ...([{ kind: 'fail', how: 'after' }, next(2, 'replace')] satisfies HubMove[]),
      { kind: 'sweep' },
    ])
    assert.deepEqual(
      [...world.state.runs.values()].map(({ phase }) => phase),
      ['Superseded', 'Superseded', 'Progressing'],
    )
  })

  // Found by the property I6: it was called rolled back at once, whatever clusters had made of it.
  it('waits for those a rollback was aborted on', async () => {
    const world = await playAll([commit('skip'), act('rollback'), act('abort'), act('rollback')])
    const [run] = world.state.runs.values()
    assert.equal(run?.phase, 'RollingBack')
    assert.deepEqual(
      new Set(Object.values(run.clusters).map(({ state }) => state)),
      new Set(['Reverting']),
    )
  })
})
