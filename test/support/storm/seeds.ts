import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { createSeed } from '../seed.ts'
import { type FaultKind, playStorm } from './play.ts'

/** More for a long run. */
export const seeds = Number(process.env['SEEDS'] ?? 20)
const seedsAtOnce = 10

/**
 * Plays of many seeds, a few at a time: they mostly wait, and each has deadlines that a busy machine must
 * not pass. Returns how many faults there were.
 */
export async function playSeeds(
  from: number,
  key: SigningKey,
  kinds: readonly FaultKind[],
): Promise<number> {
  const open = Array.from({ length: seeds }, (_, n) => n).values()
  let faults = 0
  async function playNext(): Promise<void> {
    for (const n of open) {
      const seed = createSeed(process.env['SEED'] ?? String(from + n))
      try {
        const met = await playStorm(seed, key, kinds)
        faults += met
      } catch (cause) {
        throw new Error(`SEED=${seed.text}: ${(cause as Error).message}`, { cause })
      }
    }
  }
  await Promise.all(Array.from({ length: seedsAtOnce }, playNext))
  return faults
}
