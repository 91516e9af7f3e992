/** Asked between two pieces of long work: waits, when others have waited long enough. */
export type Turn = () => Promise<void> | undefined

/**
 * Turns of `ms` each. `rest` resolves when whoever waited meanwhile was served; `monotonic` is in milliseconds.
 */
export function createTurn(ms: number, monotonic: () => number, rest: () => Promise<void>): Turn {
  let since: number | undefined

  async function giveWay(): Promise<void> {
    await rest()
    since = monotonic()
  }

  return () => {
    const now = monotonic()
    since ??= now
    return now - since < ms ? undefined : giveWay()
  }
}
