import { createContext, Script } from 'node:vm'
import type { TimeBound } from './cel.ts'

/**
 * A bound that V8 itself keeps: whatever runs when the time is over is broken off by an error,
 * be it a loop or a regular expression. Costs some 0.2 ms a call.
 */
export function createTimeBound(milliseconds: number): TimeBound {
  const script = new Script('run()')
  const context: { run?: () => unknown } = createContext({})
  return <T>(run: () => T): T => {
    context.run = run
    try {
      return script.runInContext(context, { timeout: milliseconds }) as T
    } finally {
      delete context.run
    }
  }
}
