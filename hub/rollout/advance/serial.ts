/** Runs work one after another for each key; different keys do not wait for each other. */
export interface Serial {
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Like `run`, but joins work of this kind that waits and has not begun. */
  coalesce(key: string, work: () => Promise<void>): Promise<void>
  /** Resolves when nothing runs or waits any more. */
  settle(): Promise<void>
}

export function createSerial(): Serial {
  const tails = new Map<string, Promise<unknown>>()
  const waiting = new Map<string, Promise<void>>()

  async function run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = tails.get(key)
    const mine = (async () => {
      await before?.catch(() => undefined)
      return work()
    })()
    tails.set(key, mine)
    try {
      return await mine
    } finally {
      if (tails.get(key) === mine) tails.delete(key)
    }
  }

  return {
    run,
    coalesce(key, work) {
      const joined = waiting.get(key)
      if (joined) return joined
      const mine = run(key, () => {
        waiting.delete(key)
        return work()
      })
      waiting.set(key, mine)
      return mine
    },
    async settle() {
      while (tails.size > 0) await Promise.allSettled(tails.values())
    },
  }
}
