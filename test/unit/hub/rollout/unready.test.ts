import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { emptyState, replay } from '../../../../hub/ledger/replay.ts'
import { createRollouts } from '../../../../hub/rollout/advance/advance.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../support/memory-rollouts.ts'
import { idle, plan, wave } from './world.ts'

const made = plan([wave('one', ['a'])], { id: 'r1', application: 'shop' })

/** A hub on a ledger; its store has lost everything. */
async function open(disk: ReturnType<typeof createMemoryLedger>) {
  const ledger = disk.open()
  const store = createMemoryStore()
  const rollouts = createRollouts({
    ...{ ledger, store, wake: createMemoryWakes(), clock: () => 0, log: () => {} },
    state: await replay(ledger.read()),
    observe: async (_, names) => Object.fromEntries(names.map((name) => [name, idle()])),
    assign: async () => {},
    measure: async () => ({ kind: 'unanswered', message: 'nobody' }),
  })
  return { rollouts, store, ledger }
}

describe('rollouts of a hub that has just started', () => {
  async function restart() {
    const disk = createMemoryLedger(() => 0)
    const before = await open(disk)
    await before.rollouts.restore()
    await before.rollouts.create(made, { start: true })
    await before.rollouts.close()
    return open(disk)
  }

  test('are what the ledger says, before anything was restored', async () => {
    const { rollouts } = await restart()
    const found = await rollouts.get('r1')
    assert.equal(found?.run.phase, 'Progressing')
    assert.deepEqual(await rollouts.get('r2'), undefined)
    assert.notDeepEqual(await rollouts.waitingFor('r1'), [])
  })

  test('are moved by nobody before they were restored', async () => {
    const { rollouts, ledger, store } = await restart()
    const { head } = ledger
    const pause = { kind: 'pause' } as const
    await assert.rejects(rollouts.act('r1', pause, 'ada', ''), { code: 'not_ready' })
    const other = { ...made, id: 'r2' }
    await assert.rejects(rollouts.create(other, { start: true }), { code: 'not_ready' })
    await rollouts.notice('shop')
    assert.deepEqual([ledger.head, store.writes], [head, 0])
    await rollouts.restore()
    assert.equal((await rollouts.act('r1', pause, 'ada', '')).run.phase, 'Paused')
    await rollouts.close()
  })
})

test('a hub without a ledger has no rollouts', async () => {
  const { rollouts } = await open(createMemoryLedger(() => 0))
  assert.deepEqual(rollouts.state, emptyState())
})
