import { CliFailure } from './failure.ts'
import { escapeLine } from './output.ts'
import type { Terminal } from './terminal.ts'

/* A hub that is away, as while it is upgraded, or that is asked too much. */

/** How long whoever follows something waits for a hub to come back. */
const awayMs = 5 * 60_000

/** Whether it is the hub that could not answer, and not what was asked. */
export function isAway(cause: unknown): cause is CliFailure {
  if (!(cause instanceof CliFailure)) return false
  const { status } = cause
  return status === undefined ? cause.exitCode === 2 : status >= 500 || status === 429
}

/**
 * Asks again while the hub is away, and says so once; undefined at Ctrl-C.
 *
 * @param everyMs between two tries
 * @throws CliFailure of any other kind at once, and when the hub is not back after five minutes
 */
export async function askPatiently<T>(
  terminal: Pick<Terminal, 'now' | 'wait' | 'say' | 'signal'>,
  everyMs: number,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  const until = terminal.now() + awayMs
  for (let told = false; ; told = true) {
    try {
      return await ask()
    } catch (cause) {
      if (terminal.signal.aborted) return undefined
      if (!isAway(cause) || terminal.now() >= until) throw cause
      if (!told) terminal.say(`${escapeLine(cause.message)}; it is asked again\n`)
      await terminal.wait(everyMs, terminal.signal)
      if (terminal.signal.aborted) return undefined
    }
  }
}
