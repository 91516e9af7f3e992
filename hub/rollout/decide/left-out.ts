import type { Fault } from '../../errors.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import type { RolloutWave } from '../../fleet/kinds/rollout-strategy.ts'
import { assignedTo, plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import { explainClosed } from './open-clusters.ts'
import { pickWaves } from '../plan/pick.ts'
import { removalsWave } from '../plan/plan.ts'
import { listPlanClusters } from '../plan/plan-clusters.ts'
import type { Content, RolloutPlan, RolloutTarget } from '../rollout.ts'
import { keepLast, strategyOf } from '../plan/strategy.ts'

type Known = Pick<
  LedgerState,
  'enrolments' | 'revoked' | 'good' | 'plans' | 'runs' | 'rolloutsOf' | 'assignedTo'
>

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
  state: Known,
): LeftOut | undefined {
  const { kind } = plan.trigger
  const leaves = !fleet.applications.has(plan.application)
  // What clusters are caught up with was proven when it was new; an application may leave more than once.
  if (kind !== 'commit' && !(leaves && kind === 'catchUp')) return undefined
  const stopped = new Set(listStopped(plan, leaves ? undefined : contents, state))
  const kept = leaves
    ? listKept(plan.application, fleet, state)
    : listLeft(plan.application, fleet, contents, state)
  const left = new Set([...kept, ...stopped])
  if (left.size === 0) return undefined
  const rules = rulesOf(plan, fleet)
  // Its waves are others by now: it is to be planned anew.
  if (rules.some(({ name }, wave) => plan.waves[wave]?.name !== name)) return undefined
  const brought = new Set(Object.values(plan.targets).flatMap(({ digest }) => digest ?? []))
  const hasProven = (name: string): boolean => {
    const good = state.good.get(name)?.get(plan.application)?.digest
    // It may have got it again since.
    if (leaves) return good === null && !left.has(name)
    // Beside what it has not proven, it has proven nothing.
    return good != null && brought.size === 1 && brought.has(good)
  }
  const all = Object.entries(listPlanClusters(fleet)).filter(
    ([name]) => left.has(name) || isGiven(plan.targets[name], leaves) || hasProven(name),
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
  const isStopped = stopped.has(names[0]!)
  const { id, application, revision } = plan
  const since = isStopped ? 'had it aborted, or rolled back, last' : 'is left as it is'
  const why = explainClosed(fleet, state, names[0]!) ?? since
  const how = isStopped
    ? `\`swell rollout abort ${id}\`, then \`swell rollout start ${application}\`, bring it there first`
    : 'mend it'
  const wave = rules[at]!.name
  const [what, rest] = leaves
    ? ['that it may be removed from', 'Its removal from them']
    : [`that can be given ${revision}`, 'What is to go to them']
  const fault = {
    object: `Application ${application}`,
    message: `wave ${wave} has no cluster ${what}: ${names[0]}${more} ${why}, so nothing would prove it for the waves behind. ${rest} is planned and waits: ${how}, or \`swell rollout begin ${id}\` goes on without that wave`,
  }
  return { wave, fault }
}

/**
 * Clusters that are to have the same by Git, and are not given it by themselves: there it was aborted, or rolled back,
 * last. Whom a person skipped is waited for no more.
 *
 * @param contents undefined where the application left Git, and is to go from all clusters
 */
function listStopped(
  { id, application, targets }: RolloutPlan,
  contents: Pick<Contents, 'applications'> | undefined,
  state: Known,
): string[] {
  const brought = new Set(Object.values(targets).map(({ digest }) => digest))
  const begun = plansOf(state, application).filter(
    (one) => one.id !== id && state.runs.get(one.id)!.startedAt !== null,
  )
  const wanted: (readonly [string, Pick<Content, 'digest'>])[] = contents
    ? [...(contents.applications.get(application) ?? [])]
    : [...assignedTo(state, application).keys()].map((name) => [name, { digest: null }])
  return wanted.flatMap(([name, { digest }]) => {
    const isGiven = targets[name] || !brought.has(digest) || !state.enrolments.has(name)
    if (isGiven || assignedTo(state, application).get(name)?.digest === digest) return []
    const last = begun.findLast((one) => one.targets[name])
    const run = last && state.runs.get(last.id)
    if (run?.phase !== 'Aborted' && run?.phase !== 'RolledBack') return []
    const progress = run.clusters[name]
    const isSkipped = progress?.state === 'Done' && progress.outcome === 'Skipped'
    const isByPerson = isSkipped && !progress.closed && progress.at !== run.finishedAt
    return last?.targets[name]?.digest === digest && !isByPerson ? [name] : []
  })
}

/** Clusters that Git places an application on, and that are given nothing new of it. One that never joined is none. */
export function listLeft(
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

/** Clusters that run an application which left Git, and that nothing is taken from. */
function listKept(application: string, fleet: Fleet, state: Known): ReadonlySet<string> {
  const mine = [...assignedTo(state, application).values()]
  const kept = mine.filter(
    ({ cluster, digest }) =>
      digest !== null && fleet.clusters.has(cluster) && explainClosed(fleet, state, cluster),
  )
  return new Set(kept.map(({ cluster }) => cluster))
}

/** Waves as Git has them; of an application that left it with its strategy, as it was planned to leave. */
function rulesOf(
  { application, strategy }: Pick<RolloutPlan, 'application' | 'strategy'>,
  fleet: Fleet,
): readonly RolloutWave[] {
  const declared = fleet.applications.get(application)
  return (
    (declared ? strategyOf(fleet, declared.spec) : keepLast(fleet, strategy)?.spec)?.waves ?? []
  )
}

function isGiven(target: RolloutTarget | undefined, leaves: boolean): boolean {
  return target !== undefined && (leaves || target.digest !== null)
}

/** Whether the wave that a plan waits for has somebody by now who can be given something: another cluster has come to it. */
export function isFilled(
  plan: Pick<RolloutPlan, 'application' | 'strategy' | 'leftOut'>,
  targets: RolloutPlan['targets'],
  fleet: Fleet,
): boolean {
  const rules = rulesOf(plan, fleet)
  const leaves = !fleet.applications.has(plan.application)
  const given = Object.entries(listPlanClusters(fleet)).filter(([name]) =>
    isGiven(targets[name], leaves),
  )
  const at = rules.findIndex(({ name }) => name === plan.leftOut)
  return (pickWaves(rules, Object.fromEntries(given)).waves[at] ?? []).length > 0
}
