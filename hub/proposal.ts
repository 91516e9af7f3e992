import type { ProposalView } from './api/proposal-view.ts'
import type { PullRequestList } from './api/pull-request-view.ts'
import { timestamp } from './api/rollout-view.ts'
import type { Proposal } from './check/proposal.ts'
import { HubError } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import { loadFleet } from './fleet/load/load.ts'
import type { ForgeKind } from './forge/forge.ts'
import type { OpenChanges } from './forge/open-change.ts'
import type { LedgerState } from './ledger/replay.ts'
import { viewEstimate } from './preview.ts'
import type { Deciding } from './rollout/decide/decide.ts'
import { estimateRollout, listPastWaves } from './rollout/estimate/estimate.ts'
import { foresee } from './rollout/estimate/foresight.ts'
import { nameGate } from './rollout/gate/planned-gate.ts'
import type { RolloutPlan } from './rollout/rollout.ts'

export interface ProposalDeps {
  readonly state: LedgerState
  readonly deciding: Pick<Deciding, 'outline'>
  readonly clock: () => number
}

type Planned = ProposalView['applications'][number]['plan']

/** Applications whose rollouts are planned; a change that touches more is told without. */
const mostPlanned = 50

/** What a proposal would change, and how each application would roll out if it were merged now. */
export async function viewProposal(
  { state, deciding, clock }: ProposalDeps,
  { files, told, contents, ...about }: Proposal,
): Promise<ProposalView> {
  const fleet = files.length === 0 ? null : loadFleet(about.revision, files)
  const besides = new Set(told.applications.map(({ application }) => application))
  const applications: ProposalView['applications'][number][] = []
  for (const [at, one] of told.applications.entries()) {
    const planned = fleet && at < mostPlanned ? await plan(fleet, one.application) : null
    applications.push({ ...one, plan: fleet && planned && viewPlan(fleet, planned) })
  }
  return { ...about, ...told, applications }

  /** What cannot be planned is told as such by what was found. */
  async function plan(of: Fleet, application: string): Promise<RolloutPlan | null> {
    return deciding.outline(of, contents, application).catch((error: unknown) => {
      if (error instanceof HubError) return null
      throw error
    })
  }

  function viewPlan(of: Fleet, made: RolloutPlan): Planned {
    const ahead = foresee({ fleet: of, state, now: clock(), besides }, made)
    const past = listPastWaves(state, made.application)
    return {
      clusters: Object.keys(made.targets).length,
      waves: made.waves.map(({ name, clusters, before, after }) => ({
        name,
        clusters: clusters.length,
        gates: [...before, ...after].map(nameGate),
      })),
      estimate: viewEstimate(estimateRollout(made, past, ahead)),
    }
  }
}

/** What is proposed to the fleet repository, where its Git host is known. */
export interface ProposedOnHost {
  readonly host: ForgeKind
  /** That is followed. */
  readonly branch: string
  /** @throws HubError `forge_unreachable`, `forge_refused` */
  list(): Promise<OpenChanges>
}

/** What would change the fleet once it is merged; what goes into other branches is counted. */
export async function viewPullRequests(
  proposed: ProposedOnHost | undefined,
): Promise<PullRequestList> {
  if (!proposed) return { host: null, items: [], elsewhere: 0, more: false }
  const { host, branch } = proposed
  const { changes, more } = await proposed.list()
  const here = changes.filter(({ base }) => base === branch)
  const items = here.map(({ updatedAt, ...rest }) => ({ ...rest, updatedAt: timestamp(updatedAt) }))
  return { host, items, elsewhere: changes.length - here.length, more }
}
