import { type Hold, isHeld, isOver } from './hold.ts'

/** A place where somebody at the cluster may say that updates are to wait. */
export interface HoldSource {
  /** What it says now; undefined when it says nothing. */
  current(): Hold | undefined
}

export interface HoldsDeps {
  readonly sources: readonly HoldSource[]
  readonly clock: () => number
  readonly every: (ms: number, run: () => void) => () => void
}

/** How soon a hold that was set, or ran out, is noticed. */
const lookMs = 1_000

/** What is on hold now, from every place together: one that holds is enough. */
export interface Holds {
  active(): readonly Hold[]
  isHeld(application: string): boolean
  /** Calls back when what is on hold has changed; one listener at a time. */
  listen(changed: () => void): void
  close(): void
}

export function createHolds({ sources, clock, every }: HoldsDeps): Holds {
  const read = (): Hold[] =>
    sources
      .map((source) => source.current())
      .filter((hold): hold is Hold => hold !== undefined && !isOver(hold, clock()))

  let told = JSON.stringify(read())
  let changed = (): void => {}

  /**
   * Whoever asks acts on the answer: reports it, or leaves an application as it is. So an answer
   * counts as told, and that it is over is noticed though it began and ended between two looks.
   */
  function active(): Hold[] {
    const now = read()
    const words = JSON.stringify(now)
    if (words !== told) {
      told = words
      queueMicrotask(() => changed())
    }
    return now
  }

  const close = every(lookMs, active)
  return {
    active,
    isHeld: (application) => isHeld(active(), application, clock()),
    listen(listener) {
      changed = listener
      active()
    },
    close,
  }
}
