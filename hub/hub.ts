import type { Fleet } from './fleet/fleet.ts'
import { formatFacts } from './fleet/resolve/facts-wire.ts'
import { toApproval } from './access/approval.ts'
import type { Principal } from './access/principal.ts'
import { rightsOf } from './access/rights.ts'
import type { Hub, Listing, OperatorAction } from './api/hub.ts'
import type { RolloutRecord } from './api/rollout-view.ts'
import type { ContentStore } from './bundle/content.ts'
import { createContentImages } from './bundle/content-images.ts'
import { readManifest } from './bundle/stored-manifest.ts'
import { HubError } from './errors.ts'
import type { Register } from './ledger/register.ts'
import { type MembershipDeps, createMembership } from './membership.ts'
import type { Pipeline } from './pipeline.ts'
import { createPreview } from './preview.ts'
import { type KeptReceiptsDeps, createKeptReceipts } from './receipt/kept.ts'
import { type ProposedOnHost, viewProposal, viewPullRequests } from './proposal.ts'
import type { Renderer } from './render/renderer.ts'
import type { Rollouts } from './rollout/advance/advance.ts'
import type { Deciding } from './rollout/decide/decide.ts'
import { newestFacts } from './ledger/facts.ts'
import { listPastWaves } from './rollout/estimate/estimate.ts'
import { foretellEnd, leftOf } from './rollout/estimate/eta.ts'
import { foresee } from './rollout/estimate/foresight.ts'
import { planBack } from './rollout/step/rollback.ts'
import { finalPhases } from './rollout/rollout.ts'
import { explainHold } from './rollout/hold/hold-words.ts'
import { viewApplication, viewFleet } from './status/application-view.ts'
import {
  type Known,
  isInSight,
  isKnownCluster,
  listClusterNames,
  viewCluster,
  viewDiff,
  viewGroup,
} from './status/cluster-view.ts'
import { viewImages } from './status/images.ts'
import { viewMatrix } from './status/matrix.ts'
import { listClusters } from './status/cluster-list.ts'
import type { Summaries } from './status/summary.ts'
import { viewSource } from './status/source-view.ts'
import { createSurvey } from './survey.ts'
import { createTakenCommits } from './taken-commits.ts'
import type { Targets } from './status/targets.ts'
import type { EventLog } from './status/redis-events.ts'

/** For all that is fetched and rendered of a proposal, in milliseconds. */
const proposalPatience = 120_000

export interface HubDeps {
  readonly known: () => Known
  readonly pipeline: Pipeline
  readonly renderer: Pick<Renderer, 'contains' | 'list' | 'propose'>
  readonly register: Register
  readonly rollouts: Rollouts
  readonly deciding: Deciding
  readonly content: ContentStore
  readonly events: EventLog
  readonly summaries: Pick<Summaries, 'read' | 'standingsOf'>
  readonly targets: Pick<Targets, 'of' | 'names'>
  readonly receiptResults: KeptReceiptsDeps['results']
  readonly dryRun: Hub['dryRun']
  /** Undefined where it is not known which Git host has the fleet repository. */
  readonly proposed: ProposedOnHost | undefined
  readonly enrolAddress: () => string
  readonly authorities: MembershipDeps['authorities']
  readonly rootDigest: string
  readonly closeKey: MembershipDeps['closeKey']
  readonly webhook: Hub['webhook']
  readonly checks: () => Promise<readonly { name: string; ok: boolean }[]>
  /** Codes of what stops nobody's work yet, and needs a person. */
  readonly warnings: () => Promise<readonly string[]>
  readonly clock: () => number
  /** A signal that fires after `ms`. */
  readonly timeout: (ms: number) => AbortSignal
  /** That many bytes nobody can guess. */
  readonly random: (bytes: number) => Buffer
}

/** All that REST may see and do, over the parts that do it. */
export function createHub(deps: HubDeps): Hub {
  const { known, register, rollouts, deciding, pipeline } = deps
  const { state } = register

  /** What only Git declares is not known to be missing before it was read. */
  function needFleet(): Fleet {
    const { fleet } = known()
    if (fleet) return fleet
    throw new HubError('not_ready', 'the fleet repository was not read yet; `swell fleet` says why')
  }

  function isMissing(found: boolean): boolean {
    if (!found) needFleet()
    return !found
  }

  /** Nor is a list empty before it was read. */
  async function* orUnread<T>(all: Listing<T>): AsyncGenerator<T> {
    let empty = true
    for await (const one of all) {
      empty = false
      yield one
    }
    if (empty) needFleet()
  }

  function* from<T>(
    names: readonly string[],
    after: string | null,
    view: (name: string) => T | undefined,
  ): Listing<T> & Iterable<T> {
    for (const name of names) {
      if (after !== null && name <= after) continue
      const found = view(name)
      if (found) yield found
    }
  }

  async function record(id: string): Promise<RolloutRecord | undefined> {
    const stored = await rollouts.get(id)
    if (!stored) return undefined
    const ended = finalPhases.has(stored.run.phase)
    const waitingFor = ended ? explainHold(state, stored.plan) : await rollouts.waitingFor(id)
    return { ...stored, waitingFor }
  }

  /** With when it will be done, which a list has no room for. */
  async function wholeRecord(id: string): Promise<RolloutRecord | undefined> {
    const found = await record(id)
    if (!found) return undefined
    const { plan, run } = found
    const { fleet } = known()
    if (!fleet || run.phase !== 'Progressing') return { ...found, eta: null }
    const now = deps.clock()
    const upcoming = {
      ...foresee({ fleet, state, desired: pipeline.desired, now }, leftOf(plan, run)),
      now,
    }
    return {
      ...found,
      eta: foretellEnd(plan, run, listPastWaves(state, plan.application), upcoming),
    }
  }

  async function* listRollouts(query: Parameters<Hub['rollouts']>[0]) {
    const oldestFirst = [...state.plans.values()]
    const plans = query.oldestFirst ? oldestFirst : oldestFirst.toReversed()
    const mine = plans.filter((plan) => {
      const active = !finalPhases.has(state.runs.get(plan.id)!.phase)
      return (
        (query.application === null || plan.application === query.application) &&
        (query.active === null || query.active === active)
      )
    })
    const start = query.after === null ? 0 : mine.findIndex(({ id }) => id === query.after) + 1
    for (const { id } of mine.slice(start)) {
      const found = await record(id)
      if (found) yield found
    }
  }

  async function plan(application: string, by: string, reason: string) {
    const fleet = needFleet()
    const { contents } = pipeline.state()
    if (!contents) throw new HubError('not_ready', `${fleet.revision} is being rendered`)
    needApplication(application)
    return deciding.plan(fleet, contents, application, by, reason)
  }

  function application(name: string) {
    return viewApplication(known(), pipeline.state(), name, deps.targets.of(name))
  }

  function isApplication(name: string): boolean {
    return known().fleet?.applications.has(name) === true || deps.targets.of(name) !== undefined
  }

  function needApplication(name: string): void {
    if (isMissing(isApplication(name))) {
      throw new HubError('not_found', `there is no application ${name}`)
    }
  }

  const preview = createPreview({
    state,
    content: deps.content,
    desired: pipeline.desired,
    rebuild: (cluster) => pipeline.rebuild(cluster),
    dryRun: deps.dryRun,
    clock: deps.clock,
    timeout: deps.timeout,
  })

  const receipts = createKeptReceipts({
    ...{ state, results: deps.receiptResults },
    read: (after) => register.read(after),
  })
  const readImages = createContentImages(deps.content)

  const rights = (principal: Principal) => rightsOf(principal, () => known().fleet)

  /** What is asked for, with what gates want to know of whoever asks. */
  function complete(
    action: OperatorAction,
    of: Pick<RolloutRecord, 'plan' | 'run'>,
    by: Principal,
  ): OperatorAction {
    if (action.kind === 'approve') return toApproval(of, rights(by), action.at)
    return action.kind === 'start' ? { ...action, ...makerOf(by) } : action
  }

  return {
    rights,
    clusters(query, sight) {
      // Labels are Git's.
      if (query.keep) needFleet()
      const standingsOf = (name: string) => deps.summaries.standingsOf(name)
      const all = listClusters(known(), query, { sight, standingsOf })
      return known().fleet ? all : orUnread(all)
    },
    async cluster(name, sight) {
      if (isMissing(isKnownCluster(known(), name))) return undefined
      if (sight && !isInSight(known(), name, sight)) return undefined
      return viewCluster(known(), name, sight)
    },
    matrix: (sight) => {
      const { contents } = pipeline.state()
      return viewMatrix(known(), { contents, names: deps.targets.names() }, sight)
    },
    groups: (after, sight) =>
      from([...needFleet().groups.keys()].sort(), after, (name) => viewGroup(known(), name, sight)),
    group: async (name, sight) => viewGroup({ ...known(), fleet: needFleet() }, name, sight),
    applications(after) {
      const all = from(deps.targets.names(), after, application)
      return known().fleet ? all : orUnread(all)
    },
    application: async (name) => (isMissing(isApplication(name)) ? undefined : application(name)),
    diff(application) {
      const now = known()
      needApplication(application)
      const desired = pipeline.state().contents?.applications.get(application)
      const names = listClusterNames(now).filter(
        (name) =>
          state.enrolments.has(name) &&
          (desired?.has(name) || (state.assignments.get(name)?.get(application)?.digest ?? null)),
      )
      return from(names, null, (name) => viewDiff(now, name, application))
    },
    async manifest(cluster, application) {
      const assignment = state.assignments.get(cluster)?.get(application)
      if (!assignment?.digest) return undefined
      const { digest, revision } = assignment
      const manifest = await readManifest(deps.content, digest, () => pipeline.rebuild(cluster))
      if (!manifest) throw new HubError('content_missing', `${digest} cannot be rendered`)
      return {
        digest,
        revision,
        manifest,
        status: known().status(cluster).applications[application] ?? null,
      }
    },

    receipts: (cluster, { application, after }, sight = () => true) => {
      const keep = (name: string) => sight(name) && (application === null || name === application)
      return receipts.list(cluster, keep, after)
    },
    async receipt(cluster, place, sight = () => true) {
      const filed = await receipts.find(cluster, place)
      if (!filed || !sight(filed.receipt.application)) return undefined
      return { filed, results: await receipts.resultsOf(filed) }
    },
    async images(application) {
      if (isMissing(isApplication(application))) return undefined
      return viewImages(known(), application, readImages)
    },

    rollouts: listRollouts,
    rollout: wholeRecord,
    applicationOf: (rollout) => state.plans.get(rollout)?.application,
    async planRollout(application, { live }) {
      const made = await plan(application, 'git', '')
      const { fleet, contents } = pipeline.state()
      // Whoever is to approve one that is under way wants to see as much.
      const [active] = made ? [] : deciding.active(application)
      const planned = made ?? (active === undefined ? undefined : state.plans.get(active))
      if (!planned || !fleet) return null
      const warnings = contents?.warnings ?? []
      const run = (active !== undefined && state.runs.get(active)) || null
      return { plan: planned, run, ...(await preview({ fleet, plan: planned, warnings, live })) }
    },
    async startRollout(application, by, reason) {
      const madeBy = makerOf(by)
      const waiting = deciding
        .active(application)
        .find((id) => state.runs.get(id)?.phase === 'Planned')
      if (waiting) {
        await rollouts.act(waiting, { kind: 'start', ...madeBy }, by.actor, reason)
        return (await wholeRecord(waiting))!
      }
      const made = await plan(application, by.actor, reason)
      if (!made) {
        const [inHand] = deciding.active(application)
        throw new HubError(
          'conflict',
          inHand === undefined
            ? `every cluster has what Git asks of ${application}`
            : `rollout ${inHand} brings what Git asks of ${application} already, and is ${state.runs.get(inHand)?.phase}`,
        )
      }
      const asked = { ...made, trigger: { ...made.trigger, ...madeBy } }
      const { run } = await deciding.create(asked, { start: true, force: true })
      return (await wholeRecord(run.id))!
    },
    async actOnRollout(id, action, by, reason, version) {
      const found = await rollouts.get(id)
      if (!found) throw new HubError('not_found', `there is no rollout ${id}`)
      await rollouts.act(id, complete(action, found, by), by.actor, reason, version)
      return (await wholeRecord(id))!
    },

    async previewRollout(id, { back }) {
      const [plan, run] = [state.plans.get(id), state.runs.get(id)]
      if (!plan || !run) throw new HubError('not_found', `there is no rollout ${id}`)
      const fleet = needFleet()
      const { contents } = pipeline.state()
      const warnings = contents?.warnings ?? []
      const moved = back ? planBack(plan, run) : plan
      const of = { fleet, plan: moved, warnings, live: false, back }
      return { plan, run, ...(await preview(of)) }
    },
    async propose(ref) {
      const signal = deps.timeout(proposalPatience)
      const told = await deps.renderer.propose(ref, signal, newestFacts(state))
      return viewProposal({ state, deciding, clock: deps.clock }, told)
    },

    pullRequests: () => viewPullRequests(deps.proposed),

    dryRun: deps.dryRun,
    ...createSurvey({
      ...{ known, needFleet, register, summaries: deps.summaries },
      redecide: () => pipeline.redecide(),
      clock: deps.clock,
    }),
    commit: createTakenCommits({
      renderer: deps.renderer,
      decided: pipeline.decided,
      refused: () => pipeline.state().refused,
    }),
    facts: () => formatFacts(newestFacts(state)),
    ...createMembership({ ...deps, fleet: () => known().fleet }),

    async fleet() {
      const { refused, faults, warnings } = pipeline.state()
      const sources = await deps.renderer.list()
      return viewFleet(known(), { refused, faults, warnings, sources })
    },
    async sources() {
      const all = await deps.renderer.list()
      return all.map(viewSource).toSorted((a, b) => (a.name < b.name ? -1 : 1))
    },
    events: (query) => deps.events.read(query),
    subscribe: (after, signal) => deps.events.subscribe(after, signal),
    webhook: deps.webhook,
    async health() {
      const checks = [...(await deps.checks())]
      const warnings = [...(await deps.warnings())]
      return { ready: checks.every(({ ok }) => ok), checks, warnings }
    },
  }
}

function makerOf({ madeBy }: Principal): { readonly madeBy?: string } {
  return madeBy === undefined ? {} : { madeBy }
}
