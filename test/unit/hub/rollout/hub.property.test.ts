import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { judgeLedger } from '../../../support/ledger-oracle.ts'
import { createHubWorld } from './any-hub.ts'
import { anyHubMove } from './any-hub-move.ts'

/* `HUB_RUNS=10000 node --test` plays longer. */

const numRuns = Number(process.env['HUB_RUNS'] ?? 40)

test('I6, F2, F4, F5, F11: a hub that is killed, fenced and flushed keeps its rollouts in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyHubMove, { maxLength: 60, size: 'max' }), async (moves) => {
      const world = await createHubWorld()
      for (const move of moves) {
        await world.play(move)
        const jobs = [...world.jobs.keys()].map((id) => id.replace(/-w\d+$/, ''))
        assert.equal(new Set(jobs).size, jobs.length, 'one job for the wave in hand, no more')
      }
      judgeLedger(world.text())
      for (const run of world.moving()) {
        assert.ok((await world.waitingFor(run.id)).length > 0, `${run.id} says nothing`)
      }
      await world.settle()
      judgeLedger(world.text())
      assert.deepEqual(
        world.moving().map(({ id, phase, message }) => `${id} ${phase} ${message}`),
        [],
        'with all well and answered every rollout ends',
      )
      assert.deepEqual([...world.jobs.keys()], [], 'no job is left behind')
      for (const name of world.clusters) {
        for (const app of world.applications) {
          const due = world.state.assignments.get(name)?.get(app)
          assert.deepEqual(world.running(name, app)?.digest, due?.digest, `${app} on ${name}`)
        }
      }
    }),
    { numRuns },
  )
})
