import { pino } from 'pino'
import type { Log } from './agent.ts'

/** JSON lines on stdout. Keys and tokens never reach a log: nothing that holds them is logged. */
export function createLog(level: string): Log {
  return pino({
    level,
    base: { component: 'agent' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['token', 'key', 'secret', '*.token', '*.key', '*.secret'],
  })
}
