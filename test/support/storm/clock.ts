import { trueTime } from '../crash-world.ts'
import type { Fault, Stage } from './play.ts'

const hour = 3_600_000
const jumps = [-87_600 * hour, -hour, -60_000, 60_000, hour, 87_600 * hour] as const

/** A clock that jumps by an hour or by ten years, and goes at half or twice the speed. */
export function turnClock({ seed, storm }: Stage): Fault {
  let offset = 0
  let speed = 1
  let since = performance.now()
  const read = (): number => Math.floor(trueTime + offset + (performance.now() - since) * speed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(seed.random() * from.length)]!
  const jump = (): void => {
    offset = pick(jumps)
    speed = pick([0.5, 1, 2])
    since = performance.now()
    storm.faults += 1
  }
  return {
    begin: jump,
    wall() {
      // It stays as wrong as it is when the storm is over.
      if (storm.on && seed.random() < 0.2) jump()
      return read()
    },
  }
}
