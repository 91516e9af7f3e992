/** What a newcomer waited for, and how long each part took, in milliseconds. */
export interface Taken {
  readonly what: string
  readonly ms: number
}

/** What set-up left in the environment: parts that it built or fetched; none where nothing was to do. */
export function parseTaken(text: string | undefined): readonly Taken[] {
  const parts = JSON.parse(text ?? '[]') as readonly Taken[]
  // `building the engine: about a minute the first time` is said before, and no time that was taken.
  return parts.map(({ what, ms }) => ({ what: what.replace(/:.*$/s, ''), ms }))
}

/** `ready after 31.2 s: start 18.4 s, first rollout 12.8 s`. */
export function formatTaken(parts: readonly Taken[]): string {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
  const total = parts.reduce((sum, { ms }) => sum + ms, 0)
  return `ready after ${seconds(total)}: ${parts.map(({ what, ms }) => `${what} ${seconds(ms)}`).join(', ')}`
}
