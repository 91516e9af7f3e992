import { parseRevision } from '@groundswell/proto/revision.ts'
import { escapeMarkdown, toCode, toCodeBlock } from '../check/markdown.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { Hold, RolloutPlan } from '../rollout/rollout.ts'
import type { RevertRequest } from './revert.ts'

/** A commit that was rolled back, and what undoes it. */
export interface Culprit {
  readonly application: string
  readonly rollout: string
  readonly repository: string
  readonly request: RevertRequest
}

type Known = Pick<LedgerState, 'holds' | 'plans' | 'reverts'>

/**
 * Commits that are held, whose strategy asks for a revert, and for which none was proposed yet.
 *
 * @param repositoryOf where an application comes from; undefined when it is declared no more
 * @param branchOf what is followed of a repository; undefined where that is a tag, a commit or a range
 */
export function listCulprits(
  { holds, plans, reverts }: Known,
  repositoryOf: (application: string) => string | undefined,
  branchOf: (repository: string) => string | undefined,
): Culprit[] {
  return [...holds.values()].flatMap((hold) => {
    const plan = plans.get(hold.rollout)
    const source = repositoryOf(hold.application)
    if (plan?.revert !== true || source === undefined) return []
    const found = findCommit(plan, source)
    if (!found || reverts.has(`${found.repository} ${found.commit}`)) return []
    const base = branchOf(found.repository)
    return [describe(hold, plan, { ...found, base }, findGoodFleet(plans, plan))]
  })
}

interface BadCommit {
  readonly repository: string
  readonly commit: string
}

/**
 * The commit that brought the content: of the application's repository, unless every cluster had
 * content of that very commit before; then the fleet's own, where values and patches are.
 */
function findCommit(plan: RolloutPlan, source: string): BadCommit | undefined {
  try {
    const { commit } = parseRevision(plan.revision)
    const before = Object.values(plan.targets).flatMap(({ previous }) =>
      previous ? [parseRevision(previous.revision).commit] : [],
    )
    const isOther = before.length === 0 || before.some((one) => one !== commit)
    if (isOther || source === 'fleet') return { repository: source, commit }
    if (plan.fleetRevision === undefined) return undefined
    return { repository: 'fleet', commit: parseRevision(plan.fleetRevision).commit }
  } catch {
    // Content that is of no commit.
    return undefined
  }
}

/** The fleet's commits that what clusters run again was made with. */
function findGoodFleet(plans: Known['plans'], plan: RolloutPlan): string[] {
  const before = [...plans.values()].filter(
    ({ id, application }) => application === plan.application && id !== plan.id,
  )
  const found = Object.entries(plan.targets).flatMap(([cluster, { previous }]) => {
    if (!previous) return []
    const made = before.findLast(({ targets }) => targets[cluster]?.digest === previous.digest)
    return made?.fleetRevision === undefined ? [] : [made.fleetRevision]
  })
  return [...new Set(found)]
}

/** What the proposal does not undo: commits in between, and those of the other repository. */
function tellRest(
  plan: RolloutPlan,
  { repository, commit }: BadCommit,
  good: readonly string[],
  goodFleet: readonly string[],
): string[] {
  const ran = repository === 'fleet' && goodFleet.length > 0 ? goodFleet : good
  const [first, ...others] = [...new Set(ran.map((revision) => parseRevision(revision).commit))]
  const range = toCode(`${first}..${commit}`)
  const between =
    first === undefined || first === commit
      ? []
      : [
          `It undoes ${commit} alone. ${others.length === 0 ? '' : 'For some clusters, '}${range} is what came since: where it lists more than this commit, they are to blame as well, or not; ${toCode(`git revert ${first}..${commit}`)} undoes them all.`,
        ]
  const { fleetRevision } = plan
  const isFleetOther =
    repository !== 'fleet' &&
    fleetRevision !== undefined &&
    goodFleet.some((revision) => revision !== fleetRevision)
  const fleet = isFleetOther
    ? [
        `The fleet repository moved as well, from ${toCode(goodFleet[0]!)} to ${toCode(fleetRevision)}: what values and patches there changed is not undone by this.`,
      ]
    : []
  return [...between, ...fleet]
}

function describe(
  hold: Hold,
  plan: RolloutPlan,
  bad: BadCommit & Pick<RevertRequest, 'base'>,
  goodFleet: readonly string[],
): Culprit {
  const { repository, commit, base } = bad
  const short = commit.slice(0, 12)
  const { application } = plan
  const good = [
    ...new Set(
      Object.values(plan.targets).flatMap(({ previous }) => (previous ? [previous.revision] : [])),
    ),
  ]
  const body = [
    `Rollout ${toCode(plan.id)} of ${toCode(application)} was rolled back, and commit ${commit} is held:\n`,
    toCodeBlock(hold.reason.slice(0, 2_000), ''),
    good.length > 0
      ? `Clusters run ${good.slice(0, 5).map(toCode).join(', ')} again. Merging this has Git ask for what runs.`
      : 'Merging this takes it out of Git.',
    ...tellRest(plan, bad, good, goodFleet),
    `\nOpened once for this commit, by the strategy of ${escapeMarkdown(application)}.`,
  ]
  return {
    application,
    rollout: plan.id,
    repository,
    request: {
      commit,
      branch: `groundswell/revert-${short}`,
      base,
      title: `Revert ${short}: ${application} was rolled back`,
      body: body.join('\n'),
    },
  }
}
