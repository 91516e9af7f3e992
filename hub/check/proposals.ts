import { formatRevision, parseRevision } from '@groundswell/proto/revision.ts'
import { HubError } from '../errors.ts'
import type { FleetFacts } from '../fleet/resolve/cluster-facts.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { type FleetFile, loadFleetInTurns } from '../fleet/load/load.ts'
import { toSourceSpec } from '../fleet/input/repository-spec.ts'
import type { PolicyLoader } from '../policy/load.ts'
import { tellPolicies } from '../policy/tell-policies.ts'
import type { Contents } from '../render/contents.ts'
import type { RenderEngine } from '../render/engine.ts'
import { type Patience, renderPatiently } from '../render/patience.ts'
import { createSerial } from '../rollout/advance/serial.ts'
import type { Mirror } from '../source/source.ts'
import type { Source } from '../source/sources.ts'
import type { VisitedRef } from '../source/visit.ts'
import type { Turn } from '../turns.ts'
import { reportConfiguration, reportFleet } from './check.ts'
import type { FetchedCharts } from './fetched-charts.ts'
import { type Finding, findConfigurationFaults } from './finding.ts'
import { readFleetFiles } from './fleet-files.ts'
import { diffFleets } from './fleet-diff.ts'
import type { Snapshot } from './local-repository.ts'
import { type Proposal, tellProposal } from './proposal.ts'
import { type RenderedFleet, renderFleet } from './rendered-fleet.ts'

export interface ProposalsDeps {
  /** Directory of the fleet repository that holds the configuration. */
  readonly path: string
  /** Those that are followed; `fleet` is one of them. */
  readonly sources: () => readonly Source[]
  readonly engine: RenderEngine
  readonly patience: Patience
  /** For one piece of long work, so that others are served meanwhile. */
  readonly turn: () => Turn
  /** Charts of repositories that the fleet uses already: nobody's proposal makes the hub call others. */
  readonly charts: FetchedCharts
  /** @throws HubError `fleet_invalid` when a policy cannot be judged by */
  readonly judge: (
    rendered: RenderedFleet,
    own: Snapshot,
    signal: AbortSignal,
  ) => Promise<readonly Finding[]>
  readonly loadPolicies: PolicyLoader
}

/** Proposals whose answer is kept: people look at one again and again while they talk of it. */
const mostKept = 8
/** Proposals that wait for the one that is looked at. */
const mostWaiting = 4

type Heads = ReadonlyMap<string, string>

/** What else a fleet is rendered of. */
interface Beside {
  readonly facts: FleetFacts
  /** Revisions of followed repositories, by name. */
  readonly heads: Heads
}

interface Side {
  readonly snapshot: Snapshot
  readonly files: readonly FleetFile[]
  readonly rendered: RenderedFleet
}

/**
 * Looks at changes before they are followed. Nothing of them is stored, attested or delivered, and no
 * signature is asked of them: whoever merges one signs it.
 */
export function createProposals(deps: ProposalsDeps) {
  const serial = createSerial()
  const kept = new Map<string, Proposal>()
  let waiting = 0

  function fleetMirror(): Mirror {
    const found = deps.sources().find(({ spec }) => spec.name === 'fleet')
    if (found) return found.mirror
    throw new HubError('source_unreachable', 'the fleet repository was not opened yet')
  }

  /** Other repositories as they are followed; one that is not followed so is not at hand. */
  function listSnapshots(fleet: Fleet, own: Snapshot, heads: Heads) {
    const snapshots = new Map([['fleet', own]])
    const absent = new Map<string, string>()
    for (const repository of fleet.repositories.values()) {
      const { name } = repository
      const source = deps.sources().find(({ spec }) => spec.name === name)
      const head = heads.get(name)
      const asked = JSON.stringify(toSourceSpec(repository).spec)
      if (source && head !== undefined && JSON.stringify(source.spec) === asked) {
        const { commit } = parseRevision(head)
        snapshots.set(name, { mirror: source.mirror, commit, revision: head })
      } else absent.set(name, 'the hub does not follow it so before this is merged')
    }
    return { snapshots, absent }
  }

  async function render(
    snapshot: Snapshot,
    engine: RenderEngine,
    { facts, heads }: Beside,
    signal: AbortSignal,
  ): Promise<Side> {
    const files = await readFleetFiles(snapshot, deps.path)
    const fleet = await loadFleetInTurns(snapshot.revision, files, deps.turn())
    const { charts } = deps
    const request = { fleet, ...listSnapshots(fleet, snapshot, heads), charts, facts }
    return { snapshot, files, rendered: await renderFleet(engine, request, signal) }
  }

  /** A policy that cannot be read is told beside what was found without it. */
  async function judge({ rendered, snapshot }: Side, signal: AbortSignal) {
    try {
      return await deps.judge(rendered, snapshot, signal)
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'fleet_invalid') throw error
      return findConfigurationFaults(error)
    }
  }

  async function look(
    mirror: Mirror,
    engine: RenderEngine,
    revision: string,
    beside: Beside,
    signal: AbortSignal,
  ): Promise<Proposal> {
    const followed = beside.heads.get('fleet')
    if (followed === undefined) {
      throw new HubError('source_unreachable', 'the fleet repository was not read yet')
    }
    const [{ commit }, { ref, commit: tip }] = [parseRevision(revision), parseRevision(followed)]
    const parting = (await mirror.meet(commit, tip)) ?? tip
    const base = formatRevision({ ref, commit: parting })
    const about = { revision, base, behind: parting !== tip, ...(await mirror.describe(commit)) }
    const own: Snapshot = { mirror, commit, revision }
    const head = await renderOrRefuse(own)
    if (head instanceof HubError) {
      const told = tellProposal(reportConfiguration(revision, head), null)
      return { ...about, ...nothing, told }
    }
    const before = await renderOrRefuse({ mirror, commit: parting, revision: base })
    const report = reportFleet(head.rendered, await judge(head, signal))
    if (before instanceof HubError) {
      return { ...about, ...nothing, told: tellProposal(report, null) }
    }
    const diff = diffFleets(before.rendered, head.rendered)
    const changed = diff.applications.map(({ application }) => application)
    const contents = toContents(head.rendered, revision, changed)
    return { ...about, files: head.files, told: tellProposal(report, diff), contents }

    async function renderOrRefuse(snapshot: Snapshot): Promise<Side | HubError> {
      return render(snapshot, engine, beside, signal).catch(async (cause: unknown) => {
        const load = (fleet: Fleet) => deps.loadPolicies(fleet, snapshot, signal)
        const error = await tellPolicies(cause, load)
        if (error instanceof HubError && error.code === 'fleet_invalid') return error
        throw error
      })
    }
  }

  return {
    /**
     * @param heads revisions that sources have now, by name
     * @throws HubError `source_refused`, `revision_not_found`, `source_unreachable`; `busy` when too
     *   many are looked at
     */
    async propose(
      ref: VisitedRef,
      facts: FleetFacts,
      signal: AbortSignal,
      heads: Heads,
    ): Promise<Proposal> {
      if (waiting > mostWaiting) {
        throw new HubError('busy', 'too many proposals are looked at; try again in a while')
      }
      waiting += 1
      try {
        return await serial.run('proposal', async () => {
          signal.throwIfAborted()
          const mirror = fleetMirror()
          const revision = await mirror.visit(ref, signal)
          const key = JSON.stringify([revision, ...heads])
          // Whoever may propose may propose what never ends.
          const patient = deps.patience()
          const engine = renderPatiently(deps.engine, patient.of('proposal'))
          const beside = { facts, heads }
          const known = kept.get(key) ?? (await look(mirror, engine, revision, beside, signal))
          kept.delete(key)
          if (!patient.leavesSome()) kept.set(key, known)
          for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest)
          return known
        })
      } finally {
        waiting -= 1
      }
    },
  }
}

const nothing = {
  files: [],
  contents: { applications: new Map(), skipped: new Map(), faults: [], warnings: [] },
} as const

/** What rollouts would be planned of; an application that fails anywhere is left out, as by the hub. */
function toContents(
  { fleet, contents, unknown, skipped }: RenderedFleet,
  revision: string,
  applications: readonly string[],
): Contents {
  const left = new Map<string, Set<string>>()
  for (const { application, cluster, reason } of skipped) {
    if (reason === 'excluded') continue
    left.set(application, (left.get(application) ?? new Set()).add(cluster))
  }
  const whole = applications.filter((name) => fleet.applications.has(name) && !unknown.has(name))
  return {
    applications: new Map(
      whole.map((name) => [
        name,
        new Map(
          [...(contents.get(name) ?? [])].map(([cluster, { digest }]) => [
            cluster,
            { digest, size: 0, revision },
          ]),
        ),
      ]),
    ),
    ...{ skipped: left, faults: [], warnings: [] },
  }
}
