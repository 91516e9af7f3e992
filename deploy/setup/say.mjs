/**
 * Progress for people, on stderr: stdout belongs to the command that runs after set-up.
 * @param {string} message
 */
export function say(message) {
  process.stderr.write(`groundswell: ${message}\n`)
}

/**
 * What was waited for so far, and for how many milliseconds each; not its parts, which are counted with it.
 * @type {{ what: string, ms: number }[]}
 */
export const taken = []

/** Steps that others are part of, just now. */
let around = 0

/**
 * Says what is being done and how long it took. Only for work worth waiting for.
 * @template T
 * @param {string} what such as `building the engine: about a minute the first time`
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function sayStep(what, work) {
  say(what)
  const start = performance.now()
  around += 1
  let result
  try {
    result = await work()
  } finally {
    around -= 1
  }
  const ms = Math.round(performance.now() - start)
  say(`  done in ${(ms / 1000).toFixed(1)} s`)
  if (around === 0) taken.push({ what, ms })
  return result
}

/** Something the person at the keyboard must mend; shown without a stack. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError'
}
