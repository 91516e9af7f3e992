const start = performance.now()

/** Progress for people, on stderr with the seconds since the start: stdout is for the result. */
export function say(text: string): void {
  const seconds = ((performance.now() - start) / 1_000).toFixed(1).padStart(6)
  process.stderr.write(`${seconds}  ${text}\n`)
}
