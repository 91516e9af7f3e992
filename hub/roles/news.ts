export interface NewsDeps {
  readonly onRevision: (name: string, revision: string) => Promise<void>
  readonly onFailure: (name: string, error: unknown) => void
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  readonly signal: AbortSignal
}

const firstRetryMs = 500
const longestRetryMs = 30_000

/**
 * The newest revision of each repository, passed on one at a time, again until it is taken in. A
 * slot for each name, no queue: what was overtaken is not told.
 */
export function createNews(deps: NewsDeps) {
  const { signal } = deps
  const slots = new Map<string, string>()
  let following = false
  let running: Promise<void> | undefined

  async function pass(): Promise<void> {
    for (let failures = 0; slots.size > 0 && !signal.aborted;) {
      const [name, revision] = slots.entries().next().value!
      slots.delete(name)
      try {
        await deps.onRevision(name, revision)
        failures = 0
      } catch (error) {
        deps.onFailure(name, error)
        if (!slots.has(name)) slots.set(name, revision)
        failures += 1
        const ms = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures, 10))
        await deps.sleep(ms, signal).catch(() => {})
      }
    }
  }

  function start(): void {
    if (!following || running) return
    // Not at once: what it calls may put more, and must find that one is running.
    running = Promise.resolve()
      .then(pass)
      .finally(() => {
        running = undefined
        if (slots.size > 0 && !signal.aborted) start()
      })
  }

  return {
    put(name: string, revision: string): void {
      slots.set(name, revision)
      start()
    },
    follow(): void {
      following = true
      start()
    },
    async settle(): Promise<void> {
      await running
      // It begins again for what came as it ended.
      await running
    },
  }
}
