/** What the hub starts for a moment, and waits for. */
export const programs = ['git', 'gpg'] as const
export type Program = (typeof programs)[number]

export interface RunOptions {
  readonly cwd: string
  /** All of the environment: nothing of the hub's own is added to it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly input?: string | FileBeginning
  /** Ends the program: it is asked to, and killed where it does not. */
  readonly signal: AbortSignal
  /** Bytes that it may print, to each of stdout and stderr. */
  readonly maxBytes: number
}

/** The first so many bytes of a file that may grow meanwhile. */
export interface FileBeginning {
  readonly path: string
  readonly bytes: number
}

export interface Printed {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end.
 *
 * @throws RunFailure once the program is gone; whoever asked says what it means for them
 */
export type RunProgram = (
  program: Program,
  args: readonly string[],
  options: RunOptions,
) => Promise<Printed>

/**
 * `failed`: it ended by itself with an exit code other than 0, which may be its answer. All others say
 * nothing but that there is none: `stopped` by a signal, ours or another's, `too_much` printed,
 * `not_started`, `lost` together with the process that ran it, `busy` where too many run already.
 */
export const runFailureCodes = [
  'failed',
  'stopped',
  'too_much',
  'not_started',
  'lost',
  'busy',
] as const
export type RunFailureCode = (typeof runFailureCodes)[number]

export interface RunFailureDetails extends Partial<Printed> {
  readonly exitCode?: number
  readonly cause?: unknown
}

/** A program that did not end well. Its message has neither arguments nor environment. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure'
  readonly code: RunFailureCode
  /** Of one that `failed`. */
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
  constructor(code: RunFailureCode, message: string, details: RunFailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.exitCode = details.exitCode
    this.stdout = details.stdout ?? ''
    this.stderr = details.stderr ?? ''
  }
}
