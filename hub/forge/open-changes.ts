import { HubError } from '../errors.ts'
import type { Forge } from './forge.ts'
import type { OpenChanges } from './open-change.ts'

export interface OpenChangesDeps {
  readonly forge: Pick<Forge, 'listOpenChanges'>
  /** Milliseconds; a clock that may be set. */
  readonly clock: () => number
  /** A signal that fires after `ms`. */
  readonly timeout: (ms: number) => AbortSignal
}

/** What was told is told again for so long, however many ask: a host counts calls. Milliseconds. */
const keptMs = 15_000
/** A host that fails is not asked at once by each who looks. */
const failedMs = 5_000
/** For all pages, and every try. */
const patienceMs = 12_000

/** What is open on a Git host, asked for when somebody looks. */
export function createOpenChanges({ forge, clock, timeout }: OpenChangesDeps) {
  let told: Promise<OpenChanges> | undefined
  let toldAt = 0
  let goodFor = 0

  async function ask(): Promise<OpenChanges> {
    const signal = timeout(patienceMs)
    try {
      return await forge.listOpenChanges(signal)
    } catch (error) {
      if (error instanceof HubError || !signal.aborted) throw error
      const words = `the Git host did not tell its open changes within ${patienceMs / 1_000} s`
      throw new HubError('forge_unreachable', words, { cause: error })
    }
  }

  return {
    /** @throws HubError `forge_unreachable`, `forge_refused` */
    list(): Promise<OpenChanges> {
      const age = clock() - toldAt
      if (told && age >= 0 && age < goodFor) return told
      toldAt = clock()
      goodFor = patienceMs + keptMs
      const asked = (told = ask())
      const settle = (ms: number) => () => {
        if (told === asked) [toldAt, goodFor] = [clock(), ms]
      }
      asked.then(settle(keptMs), settle(failedMs))
      return asked
    },
  }
}
