import { test } from 'node:test'
import { playHubs } from './play-hubs.ts'

/* A few hubs; test/integration/hub-any.test.ts plays many more. */

test('I6, F2, F4, F5, F11: a hub that is killed, fenced and flushed keeps its rollouts in order', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  await playHubs({ runs: 40, seed, endOneIn: 1 })
})
