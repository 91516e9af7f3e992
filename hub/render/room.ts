/** What is held for one render; `weigh` once it is known how much that is, `leave` in the end. */
export interface Place {
  weigh(bytes: number): void
  leave(): void
}

/** Bounds what renders hold in memory together. */
export interface Room {
  /** Waits for its turn, in the order they came. @throws the signal's reason */
  enter(signal: AbortSignal): Promise<Place>
}

/**
 * Sixteen charts may render to as much as one may, each: all of it at once is more memory than the hub has, and whoever
 * started it again would begin with the same commit.
 *
 * @param most bytes; one that is larger has the room for itself
 * @param guess bytes to be ready for until a render is done
 */
export function createRoom(most: number, guess: number): Room {
  const waiting = new Set<() => void>()
  let held = 0

  function admit(): void {
    for (const next of waiting) {
      if (held > 0 && held + guess > most) return
      waiting.delete(next)
      held += guess
      next()
    }
  }

  function take(): Place {
    let mine = guess
    const weigh = (bytes: number): void => {
      held += bytes - mine
      mine = bytes
      admit()
    }
    return { weigh, leave: () => weigh(0) }
  }

  return {
    enter(signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error)
        const enter = () => {
          signal.removeEventListener('abort', abandon)
          resolve(take())
        }
        const abandon = () => {
          waiting.delete(enter)
          reject(signal.reason as Error)
        }
        waiting.add(enter)
        signal.addEventListener('abort', abandon, { once: true })
        admit()
      })
    },
  }
}
