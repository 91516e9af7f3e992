/**
 * Lets at most `width` pieces of work go on at a time, in the order they came. After a commit all
 * agents are due at once: what the first of them is offered leaves while the others still wait. The
 * queue is as long as those who come let it be: a stream looks once at a time.
 */
export function createLanes(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let busy = 0

  return async function run(work) {
    if (busy >= width) await new Promise<void>((enter) => waiting.push(enter))
    else busy += 1
    try {
      return await work()
    } finally {
      // The lane goes straight to the next, so that nobody who comes now gets in between.
      const next = waiting.shift()
      if (next) next()
      else busy -= 1
    }
  }
}
