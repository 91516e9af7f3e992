/** 1: the hub said no, or the answer is no. 2: it could not be asked. */
export type ExitCode = 0 | 1 | 2

/** What went wrong, for a person: what, where, and what to do about it. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure'
  readonly exitCode: 1 | 2
  readonly hint: string
  /** Further lines, such as one a fault. */
  readonly lines: readonly string[]
  /** HTTP status when the hub answered. */
  readonly status: number | undefined
  constructor(
    exitCode: 1 | 2,
    message: string,
    options: {
      readonly hint?: string
      readonly lines?: readonly string[]
      readonly status?: number
      readonly cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = exitCode
    this.hint = options.hint ?? ''
    this.lines = options.lines ?? []
    this.status = options.status
  }
}
