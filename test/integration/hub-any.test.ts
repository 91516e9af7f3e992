import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { HubPlay, PlayedHubs } from '../unit/hub/rollout/play-hubs.ts'

/* Whole hubs in any world, often: `HUB_RUNS=1000000 node --test` for a night. */

const runs = Number(process.env['HUB_RUNS'] ?? 10_000)

test(`I6, F2, F4, F5, F11: nothing that may happen to a hub breaks it, ${runs} times`, async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const play: HubPlay = { runs, seed, endOneIn: 5 }
  const player = fileURLToPath(new URL('../support/hub-player.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [player, JSON.stringify(play)])
  t.diagnostic(stdout.trim())
  const played = JSON.parse(stdout) as PlayedHubs
  assert.ok(played.ended > 0 && played.waves > 0)
})
