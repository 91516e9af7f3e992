import { type Logger, pino } from 'pino'

export type Log = Logger

/** JSON lines on stdout, for machines; secrets have no field they could be logged under. */
export function createLog(level: string): Log {
  return pino({
    level,
    base: { component: 'hub' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['token', 'secret', 'password', '*.token', '*.secret', '*.password', '*.authorization'],
  })
}
