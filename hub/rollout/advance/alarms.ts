import { finalPhases, type RolloutRun } from '../rollout.ts'
import type { WakeUps } from '../store/store.ts'

/** An alarm rings at least so often, should every notice be lost (milliseconds). */
const longestSleep = 60_000

/** When each rollout is to be looked at again: one alarm, of the wave in hand. */
export function createAlarms(wake: Pick<WakeUps, 'set' | 'clear'>, clock: () => number) {
  const alarms = new Map<string, { wave: number; at: number | null }>()

  async function clear(id: string): Promise<void> {
    const held = alarms.get(id)
    alarms.delete(id)
    if (held) await wake.clear(id, held.wave)
  }

  return {
    clear,
    /** Makes sure that the next step sets the alarm anew, whatever it was set to. */
    rearm(id: string): void {
      const held = alarms.get(id)
      if (held) alarms.set(id, { wave: held.wave, at: -1 })
    },
    /** Rings at `at`, or only now and then where that is null. */
    async set({ id, phase, wave }: RolloutRun, at: number | null): Promise<void> {
      const held = alarms.get(id)
      const ended = finalPhases.has(phase)
      if (held && (ended || held.wave !== wave)) await clear(id)
      if (ended || phase === 'Planned') return
      if (held?.wave === wave && held.at === at) return
      alarms.set(id, { wave, at })
      const latest = clock() + longestSleep
      await wake.set(id, wave, at === null ? latest : Math.min(at, latest))
    },
  }
}
