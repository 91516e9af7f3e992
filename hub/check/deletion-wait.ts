import { HubError } from '../errors.ts'
import { isMassRemoval } from '../rollout/removal/mass-removal.ts'
import { listPlanClusters } from '../rollout/plan/plan-clusters.ts'
import { planRollout } from '../rollout/plan/plan.ts'
import { gatesOf } from '../rollout/gate/planned-gate.ts'
import type { RolloutPlan } from '../rollout/rollout.ts'
import { strategyOf } from '../rollout/plan/strategy.ts'
import type { Fate } from './removal.ts'
import type { RenderedContent, RenderedFleet } from './rendered-fleet.ts'

type Sides = Pick<RenderedFleet, 'fleet' | 'contents'>

/**
 * Says of an application that loses something on a cluster what its deletion waits for, by how the change
 * would roll out were it the only one.
 */
export function createDeletionWait(base: Sides, head: Sides) {
  const gone = [...base.fleet.applications.keys()].filter(
    (name) => !head.fleet.applications.has(name),
  )
  const isHeld = isMassRemoval(gone.length, base.fleet.applications.size)
  const clusters = listPlanClusters(head.fleet)
  const plans = new Map<string, RolloutPlan | undefined>()

  function planOf(application: string): RolloutPlan | undefined {
    if (!plans.has(application)) plans.set(application, plan(application))
    return plans.get(application)
  }

  function plan(application: string): RolloutPlan | undefined {
    const { fleet } = head
    const [before, after] = [base, head].map(({ contents }) => contents.get(application))
    const targets = Object.fromEntries(
      [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])]
        .filter((name) => fleet.clusters.has(name))
        .filter((name) => before?.get(name)?.digest !== after?.get(name)?.digest)
        .map((name) => [name, toTarget(after?.get(name))]),
    )
    const { revision } = fleet
    const spec = fleet.applications.get(application)?.spec
    const leaves = spec === undefined
    const strategy = leaves
      ? strategyOf(base.fleet, base.fleet.applications.get(application)?.spec)
      : strategyOf(fleet, spec)
    const trigger = { kind: 'commit', actor: '', reason: '' } as const
    try {
      return planRollout({
        ...{ id: '', application, revision, targets, clusters, strategy, trigger, now: 0 },
        leaves,
        gates: { metrics: fleet.metricTemplates },
      })
    } catch (error) {
      // Whoever plans it is told why: here nothing is known of its waves.
      if (error instanceof HubError && error.code === 'plan_invalid') return undefined
      throw error
    }
  }

  return (application: string, cluster: string): Fate => {
    if (isHeld && !head.fleet.applications.has(application))
      return 'deleted once a person starts it'
    const planned = planOf(application)
    return planned && isGated(planned, cluster) ? 'deleted once its gates are open' : 'deleted'
  }
}

function toTarget(content: RenderedContent | undefined) {
  return { digest: content?.digest ?? null, size: 0, revision: '', previous: null }
}

/** Whether a gate is on the way to a cluster. */
function isGated(plan: RolloutPlan, cluster: string): boolean {
  const wave = plan.waves.findIndex(({ clusters }) => clusters.includes(cluster))
  return plan.waves
    .slice(0, wave + 1)
    .some(
      (_, at) =>
        gatesOf(plan, at, 'before').length > 0 ||
        (at < wave && gatesOf(plan, at, 'after').length > 0),
    )
}
