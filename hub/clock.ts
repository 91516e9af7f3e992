import { type Turn, createTurn } from './turns.ts'

/** Long enough that what is done between is no matter, short enough for whoever waits. */
const turnMs = 10

/** For one piece of long work: all that came in meanwhile is served after each turn. */
export function takeTurns(): Turn {
  const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return createTurn(turnMs, () => performance.now(), rest)
}

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
