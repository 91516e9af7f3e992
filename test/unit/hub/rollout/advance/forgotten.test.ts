import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replay } from '../../../../../hub/ledger/replay.ts'
import { createRollouts } from '../../../../../hub/rollout/advance/advance.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../../support/memory-rollouts.ts'
import { idle, plan, wave } from '../world.ts'

// Fifty of an application are kept in memory; the list has all that the store has.
test('each rollout that is listed can be read, also when it ended long ago', async () => {
  const ledger = createMemoryLedger(() => 0).open()
  const rollouts = createRollouts({
    ...{ ledger, store: createMemoryStore(), wake: createMemoryWakes() },
    ...{ clock: () => 0, log: () => {} },
    state: await replay(ledger.read()),
    observe: async (_, names) => Object.fromEntries(names.map((name) => [name, idle()])),
    assign: async () => {},
    measure: async () => ({ kind: 'unanswered', message: 'nobody' }),
  })
  await rollouts.restore()
  for (let at = 0; at < 52; at += 1) {
    await rollouts.create(plan([wave('one', ['a'])], { id: `r${at}` }), { start: false })
    await rollouts.act(`r${at}`, { kind: 'abort' }, 'somebody', 'no more')
  }
  assert(!rollouts.state.runs.has('r0'), 'it is in memory no more')
  const listed = (await rollouts.list({ limit: 100 })).rollouts
  assert.equal(listed.length, 52)
  for (const { run } of listed) assert.deepEqual((await rollouts.get(run.id))?.run, run)
  await rollouts.close()
})
