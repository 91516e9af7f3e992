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

// Found with a queue in Redis that could not be read: a sweep never ended, and all others waited for it.
test('T32: what a sweep owes and cannot do it tries once, and looks at the others', async () => {
  const ledger = createMemoryLedger(() => 0).open()
  const wake = createMemoryWakes()
  const tried: string[] = []
  const looked: string[] = []
  const rollouts = createRollouts({
    ...{ ledger, store: createMemoryStore(), clock: () => 0, log: () => {} },
    wake: {
      ...wake,
      async set(rollout, ...rest) {
        tried.push(rollout)
        await new Promise(setImmediate)
        if (rollout === 'r1') throw new Error('WRONGTYPE')
        await wake.set(rollout, ...rest)
      },
    },
    state: await replay(ledger.read()),
    observe: async (application, names) => {
      looked.push(application)
      return Object.fromEntries(names.map((name) => [name, idle()]))
    },
    assign: async () => {},
    measure: async () => ({ kind: 'unanswered', message: 'nobody' }),
  })
  await rollouts.restore()
  for (const [id, application] of [
    ['r1', 'shop'],
    ['r2', 'till'],
  ] as const) {
    await rollouts.create(plan([wave('one', ['a'])], { id, application }), { start: true })
  }
  for (const list of [tried, looked]) list.length = 0
  wake.sweep()
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate)
  assert.deepEqual(tried, ['r1'])
  assert.deepEqual([...new Set(looked)], ['shop', 'till'])
  await rollouts.close()
})
