import type { LedgerState } from '../../ledger/replay.ts'

/** What becomes of a plan that waits behind a rollout which a person had paused. */
export type BehindVerdict = 'start' | 'planAnew' | 'wait'

/**
 * Once that goes on, Git's newest word follows, also where the hub died as it was to take its place. Once a person
 * took that back, all that is due is planned anew: the plan would go on with it.
 */
export function judgeBehind(
  { plans, runs }: Pick<LedgerState, 'plans' | 'runs'>,
  id: string,
): BehindVerdict {
  const behind = plans.get(id)?.behind
  const before = behind === undefined ? undefined : runs.get(behind)
  if (!before || runs.get(id)?.phase !== 'Planned') return 'wait'
  switch (before.phase) {
    case 'Planned':
    case 'Paused':
    case 'RollingBack':
      return 'wait'
    case 'Progressing':
    case 'Succeeded':
    case 'Failed':
    case 'Superseded':
      return 'start'
    case 'Aborted':
    case 'RolledBack':
      return 'planAnew'
  }
}
