import { isRecord } from '@groundswell/proto/record.ts'
import { hideSecrets } from '@groundswell/proto/redact.ts'
import { type Logger, pino } from 'pino'
import type { LogTail } from './log-tail.ts'

export type Log = Logger

/**
 * JSON lines on stdout, for machines, the newest of them in `tail` too. Secrets have no field they could be
 * logged under, and what has the form of one is hidden wherever it stands, such as in the words of an error.
 */
export function createLog(level: string, tail?: LogTail): Log {
  return pino({
    level,
    base: { component: 'hub' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['token', 'secret', 'password', '*.token', '*.secret', '*.password', '*.authorization'],
    hooks: {
      streamWrite(line) {
        const shown = hideSecrets(line)
        tail?.note(shown)
        return shown
      },
    },
  })
}

/** The same log, and children of it, without the lines about an error that is told elsewhere. */
export function leaveOut(log: Log, isTold: (error: unknown) => boolean): Log {
  const some = log.child({})
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    const say = some[level]
    // A child has it by inheritance, and says it with its own serializers: they hide what a request brings.
    some[level] = function sayUntold(this: Log, ...line: readonly unknown[]) {
      const [fields] = line
      if (!isRecord(fields) || !isTold(fields['err'])) Reflect.apply(say, this, line)
    }
  }
  return some
}
