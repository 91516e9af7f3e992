import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHubWorld } from './any-hub.ts'
import type { HubMove } from './any-hub-move.ts'
import { playHubs } from './play-hubs.ts'

/* A few hubs; test/integration/hub-any.test.ts plays many more. */

test('I6, F2, F4, F5, F11: a hub that is killed, fenced and flushed keeps its rollouts in order', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  await playHubs({ runs: 40, seed, endOneIn: 1 })
})

test('F5: what gates answer to a new leader is its own, while the one before it tries to act', async () => {
  const gate = { cel: { expression: 'true', deadline: '2m' } }
  const wave = { name: 'w0', selector: {}, before: [gate, gate], after: [{ approval: {} }] }
  const moves: HubMove[] = [
    { kind: 'answers', as: 'away' },
    {
      ...{ kind: 'commit', application: 'db', content: 0, start: true, leaves: null },
      strategy: { waves: [wave] },
    },
    { kind: 'answers', as: 'good' },
    { kind: 'second' },
    { kind: 'zombie' },
  ]
  const world = await createHubWorld()
  for (const move of moves) await world.play(move)
  assert.equal(world.state.runs.get('r0')?.waveStartedAt, 1_000)
})
