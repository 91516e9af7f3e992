import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { judgeLedger } from '../../../support/ledger-oracle.ts'
import { createHubWorld } from './any-hub.ts'
import { anyHubMove } from './any-hub-move.ts'

export interface PlayedHubs {
  /** Hubs that were brought to their end. */
  ended: number
  /** What the ledgers of all of them say happened. */
  rollouts: number
  offers: number
  waves: number
}

export interface HubPlay {
  readonly runs: number
  readonly seed: number
  /** Of so many hubs one is brought to its end: that takes as long as all else. */
  readonly endOneIn: number
}

/** Plays whole hubs (see `any-hub.ts`) and judges what they wrote down. Throws what breaks, shrunk. */
export async function playHubs({ runs, seed, endOneIn }: HubPlay): Promise<PlayedHubs> {
  const played: PlayedHubs = { ended: 0, rollouts: 0, offers: 0, waves: 0 }
  const anyHub = fc.record({
    moves: fc.array(anyHubMove, { maxLength: 60, size: 'max' }),
    die: fc.nat({ max: endOneIn - 1 }),
  })
  await fc.assert(
    fc.asyncProperty(anyHub, async ({ moves, die }) => {
      const world = await createHubWorld()
      for (const move of moves) {
        await world.play(move)
        const jobs = [...world.jobs.keys()].map((id) => id.replace(/-w\d+$/, ''))
        assert.equal(new Set(jobs).size, jobs.length, 'one job for the wave in hand, no more')
      }
      const { rollouts, offers, waves } = judgeLedger(world.text())
      played.rollouts += rollouts
      played.offers += offers
      played.waves += waves
      for (const run of world.moving()) {
        assert.ok((await world.waitingFor(run.id)).length > 0, `${run.id} says nothing`)
      }
      if (die > 0) return
      await endAll(world)
      played.ended += 1
    }),
    { numRuns: runs, seed },
  )
  return played
}

async function endAll(world: Awaited<ReturnType<typeof createHubWorld>>): Promise<void> {
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
}
