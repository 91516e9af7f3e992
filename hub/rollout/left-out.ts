import type { Fault } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Contents } from '../render/contents.ts'
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
 * Why a plan is not begun by itself: all clusters of a wave are left as they are, such as a canary on whose Kubernetes
 * the commit does not render. Without them nothing would prove it for the waves behind.
 *
 * @param open clusters that may get anything
 */
export function findLeftOut(
  plan: RolloutPlan,
  fleet: Fleet,
  { skipped }: Pick<Contents, 'skipped'>,
  open: ReadonlySet<string>,
): LeftOut | undefined {
  const left = new Set([...(skipped.get(plan.application) ?? [])].filter((name) => open.has(name)))
  // What clusters are caught up with was proven when it was new.
  if (left.size === 0 || plan.trigger.kind !== 'commit') return undefined
  const all = Object.entries(listPlanClusters(fleet)).filter(
    ([name]) => left.has(name) || (plan.targets[name]?.digest ?? null) !== null,
  )
  const rules = strategyOf(fleet, fleet.applications.get(plan.application)?.spec)?.waves ?? []
  // Its waves are others by now: it is to be planned anew.
  if (rules.some(({ name }, wave) => plan.waves[wave]?.name !== name)) return undefined
  const picked = pickWaves(rules, Object.fromEntries(all)).waves
  const last = plan.waves.findLastIndex(
    ({ name, clusters }) => clusters.length > 0 && name !== removalsWave,
  )
  const at = rules.findIndex(
    (_, wave) =>
      wave < last &&
      plan.waves[wave]?.clusters.length === 0 &&
      picked[wave]!.some((name) => left.has(name)),
  )
  if (at === -1) return undefined
  const names = picked[at]!.filter((name) => left.has(name))
  const more = names.length > 1 ? ` and ${names.length - 1} more` : ''
  const wave = rules[at]!.name
  const fault = {
    object: `Application ${plan.application}`,
    message: `wave ${wave} has no cluster that can be given ${plan.revision}: ${names[0]}${more} is left as it is, so nothing would prove it for the waves behind. What is to go to them is planned and waits: mend it, or \`swell rollout begin ${plan.id}\` goes on without that wave`,
  }
  return { wave, fault }
}
