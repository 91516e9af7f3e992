import type { Fault } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { Contents } from '../render/contents.ts'
import { explainClosed } from './open-clusters.ts'
import { pickWaves } from './pick.ts'
import { removalsWave } from './plan.ts'
import { listPlanClusters } from './plan-clusters.ts'
import type { RolloutPlan } from './rollout.ts'
import { strategyOf } from './strategy.ts'

/** The first wave of a plan of which all clusters are left as they are. */
export interface LeftOut {
  readonly wave: string
  /** In words, with what to do. */
  readonly fault: Fault
}

/**
 * Why a plan is not begun by itself: all clusters of a wave are left as they are, such as a canary that is suspended,
 * or on whose Kubernetes the commit does not render. Without them nothing would prove it for the waves behind.
 */
export function findLeftOut(
  plan: RolloutPlan,
  fleet: Fleet,
  contents: Pick<Contents, 'applications' | 'skipped'>,
  state: Pick<LedgerState, 'enrolments' | 'revoked' | 'good'>,
): LeftOut | undefined {
  // What clusters are caught up with was proven when it was new.
  if (plan.trigger.kind !== 'commit') return undefined
  const left = listLeft(plan.application, fleet, contents, state)
  if (left.size === 0) return undefined
  const rules = strategyOf(fleet, fleet.applications.get(plan.application)?.spec)?.waves ?? []
  // Its waves are others by now: it is to be planned anew.
  if (rules.some(({ name }, wave) => plan.waves[wave]?.name !== name)) return undefined
  const brought = new Set(Object.values(plan.targets).flatMap(({ digest }) => digest ?? []))
  const hasProven = (name: string): boolean => {
    const good = state.good.get(name)?.get(plan.application)?.digest
    // Beside what it has not proven, it has proven nothing.
    return good != null && brought.size === 1 && brought.has(good)
  }
  const all = Object.entries(listPlanClusters(fleet)).filter(
    ([name]) => left.has(name) || (plan.targets[name]?.digest ?? null) !== null || hasProven(name),
  )
  const picked = pickWaves(rules, Object.fromEntries(all)).waves
  const last = plan.waves.findLastIndex(
    ({ name, clusters }) => clusters.length > 0 && name !== removalsWave,
  )
  const at = rules.findIndex(
    (_, wave) =>
      wave < last &&
      plan.waves[wave]?.clusters.length === 0 &&
      picked[wave]!.some((name) => left.has(name)) &&
      !picked[wave]!.some(hasProven),
  )
  if (at === -1) return undefined
  const names = picked[at]!.filter((name) => left.has(name))
  const more = names.length > 1 ? ` and ${names.length - 1} more` : ''
  const why = explainClosed(fleet, state, names[0]!) ?? 'is left as it is'
  const wave = rules[at]!.name
  const fault = {
    object: `Application ${plan.application}`,
    message: `wave ${wave} has no cluster that can be given ${plan.revision}: ${names[0]}${more} ${why}, so nothing would prove it for the waves behind. What is to go to them is planned and waits: mend it, or \`swell rollout begin ${plan.id}\` goes on without that wave`,
  }
  return { wave, fault }
}

/** Clusters that Git places an application on, and that are given nothing new of it. One that never joined is none. */
function listLeft(
  application: string,
  fleet: Fleet,
  { applications, skipped }: Pick<Contents, 'applications' | 'skipped'>,
  { enrolments, revoked }: Pick<LedgerState, 'enrolments' | 'revoked'>,
): ReadonlySet<string> {
  const has = (name: string) => fleet.clusters.has(name)
  const kept = [...(skipped.get(application) ?? [])].filter((name) => enrolments.has(name))
  const placed = revoked.size > 0 ? [...(applications.get(application)?.keys() ?? [])] : []
  return new Set([...kept, ...placed.filter((name) => revoked.has(name))].filter(has))
}

/** Whether a wave has somebody by now who can be given something: another cluster has come to it. */
export function isFilled(
  wave: string,
  { application, targets }: Pick<RolloutPlan, 'application' | 'targets'>,
  fleet: Fleet,
): boolean {
  const rules = strategyOf(fleet, fleet.applications.get(application)?.spec)?.waves ?? []
  const given = Object.entries(listPlanClusters(fleet)).filter(
    ([name]) => (targets[name]?.digest ?? null) !== null,
  )
  const at = rules.findIndex(({ name }) => name === wave)
  return (pickWaves(rules, Object.fromEntries(given)).waves[at] ?? []).length > 0
}
