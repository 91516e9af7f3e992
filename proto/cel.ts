import { Environment, type EvaluationError, type ParseResult } from '@marcbachmann/cel-js'
import { isRecord } from './record.ts'

/* CEL as hub and agent speak it: checked where it is written, evaluated where the facts are. */

/**
 * Runs what may take long and gives up after its time, by throwing. CEL ends always, but two
 * loops in one another over a long list, or a pattern that backtracks, end too late to wait for.
 */
export type TimeBound = <T>(run: () => T) => T

export const celLimits = {
  /** Characters of an expression. */
  text: 4_000,
  /** Values in what an expression is evaluated on. */
  values: 50_000,
} as const

/** An expression that cannot be used, or that came to no answer; the message says why. */
export class CelError extends Error {
  override readonly name = 'CelError'
  /** Characters into the expression where the fault is; 0 when it is about all of it. */
  readonly offset: number
  /** It was broken off; it may be as slow the next time. */
  readonly late: boolean

  constructor(message: string, at: { offset?: number; late?: boolean; cause?: unknown } = {}) {
    super(message, { cause: at.cause })
    this.offset = at.offset ?? 0
    this.late = at.late ?? false
  }
}

export interface CelProgram {
  readonly text: string
  /**
   * Whether it holds. A variable that is left out is an empty object, so that `has(status.phase)`
   * is false before there is a status.
   *
   * @throws CelError when it does not evaluate to true or false, or not in time.
   */
  test(values: Readonly<Record<string, unknown>>, within: TimeBound): boolean
}

/**
 * Reads an expression that must be true or false.
 *
 * @param variables names it may use; each stands for any JSON value
 * @throws CelError with the place of the first fault.
 */
export function parseCel(text: string, variables: readonly string[]): CelProgram {
  if (text.length > celLimits.text) {
    throw new CelError(`is longer than ${celLimits.text} characters`)
  }
  const parsed = compile(text, environmentOf(variables))
  const check = parsed.check()
  if (check.error) throw toCelError(check.error)
  if (check.type !== 'bool' && check.type !== 'dyn') {
    throw new CelError(`gives ${check.type ?? 'nothing'}, and must be true or false`)
  }
  return {
    text,
    test(values, within) {
      const budget = { left: celLimits.values }
      const context = Object.fromEntries(
        variables.map((name) => [name, toCel(values[name] ?? {}, budget)]),
      )
      const answer = evaluate(() => parsed(context) as unknown, within)
      if ('error' in answer) throw toCelError(answer.error)
      if (typeof answer.value === 'boolean') return answer.value
      throw new CelError(`gives ${typeof answer.value}, and must be true or false`)
    },
  }
}

const environments = new Map<string, Environment>()

/** An environment costs more than what is read in it, and there are few. */
function environmentOf(variables: readonly string[]): Environment {
  const key = variables.join()
  const known = environments.get(key)
  if (known) return known
  const environment = new Environment({
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: 500,
      maxDepth: 60,
      maxListElements: 100,
      maxMapEntries: 100,
      maxCallArguments: 16,
    },
  })
  for (const name of variables) environment.registerVariable(name, 'dyn')
  environments.set(key, environment)
  return environment
}

function compile(text: string, environment: Environment): ParseResult {
  try {
    return environment.parse(text)
  } catch (error) {
    throw toCelError(error)
  }
}

function evaluate(run: () => unknown, within: TimeBound): { value: unknown } | { error: unknown } {
  try {
    return within(() => {
      try {
        return { value: run() }
      } catch (error) {
        return { error }
      }
    })
  } catch (cause) {
    // What the expression throws was caught above, so this is the bound.
    throw new CelError((cause as Error).message, { late: true, cause })
  }
}

function toCelError(error: unknown): CelError {
  const { summary, message, range } = error as Partial<EvaluationError>
  return new CelError(summary ?? message ?? String(error), {
    offset: range?.start ?? 0,
    cause: error,
  })
}

/** JSON as CEL sees it: whole numbers are its `int`, all others its `double`. */
function toCel(value: unknown, budget: { left: number }): unknown {
  budget.left -= 1
  if (budget.left < 0) throw new CelError('too much to look at for an expression')
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map((item) => toCel(item, budget))
  if (!isRecord(value)) return value
  // What has no prototype has no members but its own.
  const members: Record<string, unknown> = Object.create(null)
  for (const [name, member] of Object.entries(value)) members[name] = toCel(member, budget)
  return members
}
