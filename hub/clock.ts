/** Calls again every `ms` until stopped; keeps no process alive. */
export function repeat(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  timer.unref()
  return () => clearInterval(timer)
}

/** Calls back once after `ms`; keeps no process alive. */
export function later(ms: number, run: () => void): void {
  setTimeout(run, ms).unref()
}
