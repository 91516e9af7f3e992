import { hideSecrets } from '@groundswell/proto/redact.ts'
import { pino } from 'pino'
import type { Log } from './agent.ts'

/**
 * JSON lines on stdout. Keys and tokens never reach a log: nothing that holds them is logged, and what has
 * the form of one is hidden wherever it stands, such as in the words of an error.
 */
export function createLog(level: string): Log {
  return pino({
    level,
    base: { component: 'agent' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['token', 'key', 'secret', '*.token', '*.key', '*.secret'],
    hooks: { streamWrite: hideSecrets },
  })
}
