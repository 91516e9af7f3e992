import type { Fault } from '../../errors.ts'
import { describeReturn } from '../../ledger/accepted.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { awaitsPerson } from '../decide/by-person.ts'

/** Share of all applications. */
const most = 0.5

/** Whether so many applications are gone from Git at once that their removal needs a person's word. */
export function isMassRemoval(gone: number, total: number): boolean {
  return gone > 1 && gone > total * most
}

export interface Removals {
  /** Applications that are gone from Git. */
  readonly gone: number
  /** Of so many that are assigned. */
  readonly total: number
  /** The commit that Git is at. */
  readonly at: string
  /** The newest one that was in force, where Git went back from it. */
  readonly newer: string | undefined
}

const then = 'planned but waits: start each with `swell rollout start`'

/** Why the removal of applications that are gone from Git needs a person's word; undefined where it needs none. */
export function explainHeldRemovals({ gone, total, at, newer }: Removals): string | undefined {
  if (isMassRemoval(gone, total)) {
    return `${gone} of ${total} applications are gone from Git; their removal is ${then}`
  }
  if (gone === 0 || newer === undefined) return undefined
  return `${describeReturn(at, newer)}; ${gone} of ${total} applications are not in it, and their removal is ${then}`
}

/** What waits for a person, though nothing else may say so any more. */
export function explainUnstarted(
  { plans, runs }: Pick<LedgerState, 'plans' | 'runs'>,
  id: string,
): Fault | undefined {
  const [plan, run] = [plans.get(id)!, runs.get(id)!]
  if (!awaitsPerson({ plan, run })) return undefined
  return {
    object: `Application ${plan.application}`,
    message: `what Git asks is planned and waits for a person: \`swell rollout begin ${id}\` starts it`,
  }
}
