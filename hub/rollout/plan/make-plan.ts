import type { Fleet } from '../../fleet/fleet.ts'
import { projectOf } from '../../fleet/resolve/tenancy.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { AuthorsRequest } from '../../render/authors.ts'
import type { Contents } from '../../render/contents.ts'
import type { Change } from '../decide/changes.ts'
import { listLeft } from '../decide/left-out.ts'
import { keepProject } from '../withhold/fleet-windows.ts'
import type { LastDeclared } from '../removal/last-declared.ts'
import { keepDependencies } from '../removal/leaving-order.ts'
import { planRollout } from './plan.ts'
import { findPlanAuthors } from './plan-authors.ts'
import { listPlanClusters } from './plan-clusters.ts'
import type { RolloutPlan } from '../rollout.ts'
import type { Look } from '../removal/sparing.ts'
import { keepDeclared, keepLast } from './strategy.ts'

/* From what has to be rolled out to the plan of it: who made it, under whose rules, beside which others. */

export interface MakePlanDeps {
  readonly state: LedgerState
  /** Who made the commit at a revision, and what they said. */
  readonly describe: (
    application: string,
    revision: string,
  ) => Promise<{ author: string; subject: string }>
  /** Who made the commits that a rollout brings. */
  readonly authors: (request: AuthorsRequest) => Promise<readonly string[]>
  /** Milliseconds a cluster may be away before a rollout takes it for unreachable. */
  readonly offlineGrace: number
  readonly clock: () => number
  readonly newId: () => string
}

/** A fleet, and how what it asks of one application bears on others. */
interface PlanRound {
  readonly fleet: Fleet
  readonly contents: Pick<Contents, 'applications' | 'skipped'>
  readonly look: Pick<Look, 'spare' | 'findGivers' | 'listBrokenBeside'>
}

export type Planned = Extract<Change, { kind: 'rollout' }>

export function createMakePlan(deps: MakePlanDeps, last: LastDeclared) {
  const { state } = deps
  /**
   * @param by who asks for it; `git` where nobody did
   * @throws HubError `plan_invalid` as `planRollout`
   */
  return async function makePlan(
    { fleet, contents, look }: PlanRound,
    application: string,
    change: Planned,
    by: string,
    reason?: string,
  ): Promise<RolloutPlan> {
    const newest = Object.values(change.targets).find(({ digest }) => digest !== null)
    const revision = newest?.revision ?? fleet.revision
    const spec = fleet.applications.get(application)?.spec
    const commit = await deps.describe(application, revision)
    const kind = by !== 'git' ? 'api' : change.catchUp ? 'catchUp' : 'commit'
    const kept = keepProject(spec, last.projectOf(application))
    const project = spec ? projectOf(fleet, spec) : fleet.projects.get(kept.project ?? '')
    const strategy = spec
      ? keepDeclared(fleet, spec)
      : keepLast(fleet, last.strategyOf(application))
    const revert = strategy?.spec.revert ?? project?.spec.revert
    const plan = planRollout({
      id: deps.newId(),
      application,
      revision,
      targets: await look.findGivers(application, await look.spare(application, change.targets)),
      clusters: listPlanClusters(fleet),
      strategy: strategy?.spec,
      leaves: spec === undefined,
      gates: {
        metrics: fleet.metricTemplates,
        notAuthor: project?.spec.approvals?.notAuthor === true,
      },
      author: commit.author,
      trigger: {
        kind,
        actor: by === 'git' ? commit.author : by,
        reason: reason || commit.subject,
      },
      now: deps.clock(),
    })
    const broken = spec ? [] : look.listBrokenBeside(application, Object.keys(change.targets))
    const aside = spec ? [...listLeft(application, fleet, contents, state)].sort() : []
    const dated = { ...plan, fleetRevision: fleet.revision, offlineGrace: deps.offlineGrace }
    return {
      ...{ ...dated, ...(await findPlanAuthors(state, dated, deps.authors)) },
      ...kept,
      ...(strategy && { strategy }),
      ...keepDependencies(last.dependsOn, application, spec),
      ...(aside.length > 0 && { aside }),
      ...(broken.length > 0 && { brokenBeside: broken }),
      // In line it would come back once all of it is gone.
      ...((change.saves !== undefined || change.overtakes) && { supersede: 'replace' as const }),
      ...(spec?.deletionPolicy === 'Orphan' && { orphans: true as const }),
      ...(revert === 'pullRequest' && { revert: true as const }),
    }
  }
}
