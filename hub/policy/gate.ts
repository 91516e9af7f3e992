import { HubError } from '../errors.ts'
import type { Case, Judge, Verdict } from './judge.ts'
import type { PolicyLoader } from './load.ts'
import { describeViolation, toViolationFault, type Violation } from './violation.ts'

/** What stands between a render and its delivery. */
export interface PolicyGate {
  /** A fleet's policies, read and compiled. */
  readonly load: PolicyLoader
  readonly judge: Judge
}

/** Kept of one render, for people; denials are all told. */
const mostKept = 200

/**
 * Lets a render through, with what is to be told of it.
 *
 * @throws HubError `policy_denied` with every violation that denies
 */
export async function passGate(
  gate: Pick<PolicyGate, 'judge'>,
  one: Case,
  signal: AbortSignal,
): Promise<readonly Violation[]> {
  const verdict: Verdict = await gate.judge(one, signal)
  const denied = verdict.filter(({ action }) => action === 'deny')
  if (denied.length === 0) return verdict.slice(0, mostKept)
  const more = denied.length > 1 ? ` (and ${denied.length - 1} more)` : ''
  throw new HubError('policy_denied', `${describeViolation(denied[0]!)}${more}`, {
    faults: denied.map(toViolationFault),
  })
}
