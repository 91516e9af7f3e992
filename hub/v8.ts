import { setFlagsFromString } from 'node:v8'

/**
 * V8's own measure of when to compile is for programs that are busy all the time. A hub runs each of
 * its functions a few thousand times within half a second, and then waits for the next commit: code
 * of the last tier was compiled for them at most commits anew, on threads beside the one that works,
 * and hardly ran. The tier before it comes sooner here, and the last one where it pays.
 *
 * A commit to 1,000 clusters costs a seventh less of the processor (ARCHITECTURE, decision 123).
 * Has no effect on what is compiled already; a V8 that knows a flag no more says so and goes on.
 */
export function tuneCompilers(): void {
  setFlagsFromString('--invocation-count-for-maglev=100')
  setFlagsFromString('--invocation-count-for-turbofan=30000')
}
