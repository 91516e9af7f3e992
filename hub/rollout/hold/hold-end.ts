import type { Fleet } from '../../fleet/fleet.ts'
import { assignedTo, runsOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import { findHeld, isWithdrawn, listHeldRollouts } from './hold.ts'
import type { Content, Hold } from '../rollout.ts'

/* When Git has decided anew, so that a hold has nothing left to guard. */

type Known = Pick<LedgerState, 'plans' | 'runs' | 'rolloutsOf' | 'assignedTo' | 'holds'>

/** Applications whose hold is over, each with why. Of one that cannot be rendered nobody can tell what Git asks. */
export function listOver(
  state: Known,
  { applications: declared }: Pick<Fleet, 'applications'>,
  { applications }: Pick<Contents, 'applications'>,
): [application: string, why: string][] {
  return [...state.holds.values()].flatMap((hold): [string, string][] => {
    const { application } = hold
    const desired = applications.get(application)
    if (!desired && declared.has(application)) return []
    const why = explainEnd(state, hold, desired ?? null)
    return why === undefined ? [] : [[application, why]]
  })
}

/** @param desired cluster → what Git asks; null when Git declares the application no more. */
function explainEnd(
  state: Known,
  hold: Hold,
  desired: ReadonlyMap<string, Content> | null,
): string | undefined {
  // What is on its way back sets its hold again as it ends.
  const isGoingBack = runsOf(state, hold.application).some(({ phase }) => phase === 'RollingBack')
  if (isGoingBack) return undefined
  const bad = findHeld(state, hold.application)
  const assigned = assignedTo(state, hold.application)
  const runs = (name: string, { digest }: Content): boolean => assigned.get(name)?.digest === digest
  // Of rollouts that are forgotten nobody can tell what they brought: then all has to be as Git asks.
  const isTold = bad.length > 0 || [...(desired ?? [])].every((one) => runs(...one))
  if (desired && isTold && isWithdrawn(bad, desired)) return 'Git asks for the held content no more'
  const removal = findRemoval(state, hold, desired)
  return removal === undefined ? undefined : `rollout ${removal} takes the application away`
}

/**
 * The rollout by which Git takes an application away from where the bad rollouts were for, once it has come to one
 * of those clusters: what only stands at its gate, or waits for a person, may be gone with the next commit. Where
 * Git still declares the application, none of them may have anything of it: a label may come back.
 */
function findRemoval(
  state: Known,
  hold: Hold,
  desired: ReadonlyMap<string, Content> | null,
): string | undefined {
  // One that selects nobody removes nothing.
  if (desired?.size === 0) return undefined
  const { application } = hold
  const bad = listHeldRollouts(hold)
  const assigned = assignedTo(state, application)
  const plans = findHeld(state, application)
  const clusters = new Set(
    plans.length > 0 ? plans.flatMap(({ targets }) => Object.keys(targets)) : assigned.keys(),
  )
  const there = [...clusters].flatMap((name) => assigned.get(name) ?? [])
  if (desired && [...clusters].some((name) => desired.has(name))) return undefined
  if (desired && there.some(({ digest }) => digest !== null)) return undefined
  const ids = [...(state.rolloutsOf.get(application) ?? [])]
  const newer = new Set(ids.slice(ids.indexOf(hold.rollout) + 1).filter((id) => !bad.includes(id)))
  return there.find(({ cluster, rollout }) => {
    const plan = newer.has(rollout) ? state.plans.get(rollout) : undefined
    return plan?.trigger.kind !== 'rollback' && plan?.targets[cluster]?.digest === null
  })?.rollout
}
