import { setTimeout as sleep } from 'node:timers/promises'

/** What `until` waits with: the longest wait and the pause between two looks, in milliseconds. */
export interface UntilOptions {
  readonly deadlineMs: number
  readonly intervalMs?: number
  /** What is awaited, for the failure message: `the Deployment to be ready`. */
  readonly what: string
}

type Truthy<T> = Exclude<T, false | 0 | 0n | '' | null | undefined>

/**
 * Looks again and again until `check` gives something truthy, and returns that. A check that throws
 * counts as "not yet".
 * @throws Error at the deadline, with `what` and the last error or value
 */
export async function until<T>(
  check: () => T | Promise<T>,
  { deadlineMs, intervalMs = 25, what }: UntilOptions,
): Promise<Truthy<Awaited<T>>> {
  const deadline = performance.now() + deadlineMs
  let last: { readonly error: unknown } | { readonly value: unknown } = { value: undefined }
  for (;;) {
    try {
      const value = await check()
      if (value) return value as Truthy<Awaited<T>>
      last = { value }
    } catch (error) {
      last = { error }
    }
    if (performance.now() >= deadline) break
    await sleep(intervalMs)
  }
  if ('error' in last) {
    const reason = last.error instanceof Error ? last.error.message : String(last.error)
    throw new Error(`waited ${deadlineMs} ms for ${what}: ${reason}`, { cause: last.error })
  }
  throw new Error(`waited ${deadlineMs} ms for ${what}: last saw ${JSON.stringify(last.value)}`)
}
