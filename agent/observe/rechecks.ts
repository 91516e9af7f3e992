/** Objects looked at anew at one time. */
const width = 4

/**
 * Looks at objects anew in the background, a few at a time and each once however often it is asked
 * for. What asks again while its look is on gets another one after it. `look` does not throw.
 */
export function createRechecks(
  look: (id: string, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): (id: string) => void {
  const waiting = new Set<string>()
  const active = new Set<string>()

  const next = (): string | undefined => [...waiting].find((id) => !active.has(id))

  const work = async (first: string) => {
    for (let id: string | undefined = first; id !== undefined && !signal.aborted; id = next()) {
      waiting.delete(id)
      active.add(id)
      await look(id, signal)
      active.delete(id)
    }
  }

  return (id) => {
    waiting.add(id)
    if (active.size < width && !active.has(id)) void work(id)
  }
}
