import type { Fault } from '../../errors.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import { findNewer } from '../../ledger/accepted.ts'
import { assignedTo } from '../../ledger/by-application.ts'
import type { Decision } from '../../ledger/entry.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import { findBad, findHeld } from '../hold/hold.ts'
import { createLeaving, type LeavingDeps } from '../removal/leaving.ts'
import type { Look } from '../removal/sparing.ts'
import { activeRollouts, previousContent } from './admission.ts'
import { type Change, findChange, historyOf } from './changes.ts'
import { createOpenClusters } from './open-clusters.ts'
import { listOverruled } from './overruled.ts'

export interface AskingDeps {
  readonly state: LedgerState
  readonly connected: (cluster: string) => boolean
  /** Whether its own keepers have the application's updates wait there, or refuse them. */
  readonly vetoed?: (cluster: string, application: string) => boolean
  /** Writes down what follows from what Git asks. */
  readonly record: (decision: Decision) => Promise<unknown>
  /** Milliseconds a cluster has to be unselected before an application is removed there; 0 by default. */
  readonly removalGrace?: number
  /** Calls back once after so many milliseconds. */
  readonly later?: (ms: number, run: () => void) => void
  /** Has everything decided once more. */
  readonly redecide?: () => void
  readonly clock: () => number
  /** Milliseconds of a clock nobody sets; the other one where it is left out. */
  readonly monotonic?: () => number
}

/** What Git asks at one commit. */
export interface Asked {
  readonly fleet: Fleet
  readonly contents: Contents
}

/** What Git asks of one application, beside what its clusters are assigned and what was rolled out before. */
export function createAsking(deps: AskingDeps) {
  const { state } = deps
  const openClusters = createOpenClusters(state)
  const grace: LeavingDeps = {
    grace: deps.removalGrace ?? 0,
    clock: deps.clock,
    monotonic: deps.monotonic ?? deps.clock,
    later: (ms, run) => deps.later?.(ms, run),
    decide: () => deps.redecide?.(),
  }
  const leaving = createLeaving(grace)
  /** Where a rollout ended without clusters that are selected no more, whether anything runs there or not. */
  const stopped = createLeaving(grace)

  /**
   * Notes where Git has asked for something else since a rollout ended. Not where a label changed a moment ago,
   * which may change back.
   */
  async function noteOverruled(
    { fleet, contents }: Asked,
    application: string,
  ): Promise<undefined> {
    const found = listOverruled(state, fleet, contents, application)
    const desired = contents.applications.get(application)
    const unselected = [...found.values()].flat().filter((name) => desired?.has(name) === false)
    stopped.note(application, unselected)
    for (const [rollout, all] of found) {
      const clusters = all.filter((name) => !stopped.isLeaving(application, name))
      if (clusters.length === 0) continue
      await deps.record({ type: 'rollout.overruled', application, rollout, clusters })
    }
  }

  /** Clusters that may get something of an application. */
  function listOpen({ fleet, contents }: Asked, application: string): ReadonlySet<string> {
    const skipped = contents.skipped.get(application)
    const all = openClusters(fleet)
    return skipped ? new Set([...all].filter((name) => !skipped.has(name))) : all
  }

  /** Where an application runs, and Git places it no more. */
  function listGoing(asked: Asked, application: string): string[] {
    const desired = asked.contents.applications.get(application)
    // A selection of nobody removes nothing.
    if (desired?.size === 0) return []
    const open = listOpen(asked, application)
    const active = activeRollouts(state, application).map((id) => state.plans.get(id)!)
    const isUnderWay = (cluster: string): boolean =>
      active.some(({ targets }) => targets[cluster]?.digest === null)
    return [...assignedTo(state, application).values()]
      .filter(({ cluster, digest }) => digest !== null && !desired?.has(cluster))
      .map(({ cluster }) => cluster)
      .filter((cluster) => open.has(cluster) && !leaving.isLeaving(application, cluster))
      .filter((cluster) => !isUnderWay(cluster))
  }

  /** What is to be rolled out; with `again` also what failed before, with `anew` as if nothing were under way. */
  function find(
    asked: Asked & { readonly look: Pick<Look, 'isAwaited'> },
    application: string,
    again: boolean,
    anew = false,
  ): Change {
    const open = listOpen(asked, application)
    const desired = asked.contents.applications.get(application) ?? null
    const assigned = assignedTo(state, application)
    // An application that is gone from Git was taken away on purpose; a selection changes with a label.
    // One that selects nobody removes nothing.
    const isSelecting = desired !== null && desired.size > 0
    const unselected = [...assigned.values()].filter(
      ({ cluster, digest }) =>
        isSelecting && digest !== null && !desired.has(cluster) && open.has(cluster),
    )
    leaving.note(
      application,
      unselected.map(({ cluster }) => cluster),
    )
    const bad = findHeld(state, application)
    const isBad = findBad(bad)
    return findChange({
      held: ({ digest }) => isBad(digest),
      desired,
      assigned,
      reachableByGit: open,
      leaving: (cluster) =>
        (isSelecting && findNewer(state, asked.fleet.revision) !== undefined) ||
        leaving.isLeaving(application, cluster) ||
        asked.look.isAwaited(application, cluster),
      connected: deps.connected,
      vetoed: (cluster) => deps.vetoed?.(cluster, application) ?? false,
      previous: (cluster) => previousContent(state, application, cluster),
      history: historyOf(state, application),
      ...{ again, anew },
    })
  }

  return {
    find,
    listGoing,
    noteOverruled,
    /** When an application is removed from a cluster that is selected no more, as long as that is waited for. */
    leavesAt: (application: string, cluster: string) => leaving.at(application, cluster),
    /** What will be removed unless it is selected again, in words. */
    warnings: (): Fault[] =>
      leaving.list().map(({ application, cluster, at }) => ({
        object: `Application ${application}`,
        cluster,
        message: `is selected no more; it is removed there at ${new Date(at).toISOString()} unless it is selected again by then`,
      })),
  }
}
