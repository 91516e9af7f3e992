import { isRecord } from '@groundswell/proto/record.ts'
import {
  type Printed,
  type Program,
  RunFailure,
  type RunFailureCode,
  type RunOptions,
  programs,
  runFailureCodes,
} from './run.ts'

/** What the hub tells its fork server: to run a program, or to stop one. */
export type Request =
  | ({ readonly id: number; readonly program: Program; readonly args: readonly string[] } & Omit<
      RunOptions,
      'signal'
    >)
  | { readonly stop: number }

/** What the fork server tells: that it serves, and how each program ended. */
export type Reply =
  | { readonly ready: true }
  | { readonly id: number; readonly printed: Printed }
  | { readonly id: number; readonly failure: FailureMessage }

/** A failure as it travels. */
export interface FailureMessage extends Printed {
  readonly code: RunFailureCode
  readonly message: string
  readonly exitCode?: number | undefined
}

/** Undefined for what no hub of this version says. */
export function parseRequest(value: unknown): Request | undefined {
  if (!isRecord(value)) return undefined
  if (typeof value['stop'] === 'number') return { stop: value['stop'] }
  const known = programs.some((program) => program === value['program'])
  if (!known || typeof value['id'] !== 'number' || !Array.isArray(value['args'])) return undefined
  return value as unknown as Request
}

/** Undefined for what no fork server of this version says. */
export function parseReply(value: unknown): Reply | undefined {
  if (!isRecord(value)) return undefined
  if (value['ready'] === true) return { ready: true }
  const { id, printed, failure } = value
  if (typeof id !== 'number') return undefined
  if (isPrinted(printed)) return { id, printed }
  if (!isPrinted(failure) || typeof failure['message'] !== 'string') return undefined
  const code = runFailureCodes.find((each) => each === failure['code'])
  return code && { id, failure: { ...failure, code, message: failure['message'] } }
}

export function writeFailure(error: unknown): FailureMessage {
  if (!(error instanceof RunFailure)) {
    return { code: 'not_started', message: String(error), stdout: '', stderr: '' }
  }
  const { code, message, exitCode, stdout, stderr } = error
  return { code, message, exitCode, stdout, stderr }
}

export function readFailure({ code, message, exitCode, ...printed }: FailureMessage): RunFailure {
  return new RunFailure(code, message, {
    ...printed,
    ...(typeof exitCode === 'number' && { exitCode }),
  })
}

function isPrinted(value: unknown): value is Record<string, unknown> & Printed {
  return (
    isRecord(value) && typeof value['stdout'] === 'string' && typeof value['stderr'] === 'string'
  )
}
