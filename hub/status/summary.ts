import type { LedgerState } from '../ledger/replay.ts'
import { currentGate } from '../rollout/gate/gate.ts'
import { finalPhases } from '../rollout/rollout.ts'
import { type ApplicationSums, createApplicationSums } from './application-sums.ts'
import {
  type ApplicationStanding,
  type Known,
  isKnownCluster,
  isStale,
  listStandings,
} from './cluster-view.ts'

/** What one cluster adds to the sums. */
interface Tally {
  readonly connected: number
  readonly disconnected: number
  readonly neverConnected: number
  /** Nobody vouched lately for what they have as the newest. */
  readonly stale: number
  readonly updated: number
  readonly pending: number
  readonly failed: number
  readonly unreachable: number
  readonly drifted: number
}

interface Counted {
  readonly tally: Tally
  readonly standings: readonly ApplicationStanding[]
  /** Without those that only its agent names: it can name any number, and each name is a metric's label. */
  readonly named: readonly ApplicationStanding[]
}

export interface Summary {
  readonly clusters: {
    readonly total: number
    readonly connected: number
    readonly disconnected: number
    readonly neverConnected: number
    readonly stale: number
    readonly waitForApproval: number
    readonly locked: number
    readonly revoked: number
  }
  /** Applications on clusters, each pair once. */
  readonly deployments: Pick<Tally, 'updated' | 'pending' | 'failed' | 'unreachable' | 'drifted'>
  readonly applications: number
  readonly groups: number
  readonly rollouts: { readonly active: number; readonly paused: number; readonly waiting: number }
  readonly holds: number
}

/**
 * The fleet in counters. Each cluster's share is counted anew when something about it changed, so
 * that asking costs the same for ten clusters and ten thousand.
 */
export interface Summaries {
  touch(cluster: string): void
  /** Which clusters and applications there are has changed. */
  touchAll(): void
  read(): Summary
  /** Of each application on a cluster, as it was counted last. */
  standingsOf(cluster: string): readonly ApplicationStanding[]
  /** Of each application that is declared, or assigned to a cluster; by its name. */
  applications(): ReadonlyMap<string, ApplicationSums>
}

/** Clusters that reported and are not counted yet: many reports of one are counted once. */
const mostTouched = 256

const zero: Tally = {
  ...{ connected: 0, disconnected: 0, neverConnected: 0, stale: 0 },
  ...{ updated: 0, pending: 0, failed: 0, unreachable: 0, drifted: 0 },
}
const members = Object.keys(zero) as (keyof Tally)[]

/** @param beside is told the same of what changed */
export function createSummaries(
  known: () => Known,
  beside?: Pick<Summaries, 'touch' | 'touchAll'>,
): Summaries {
  const counted = new Map<string, Counted>()
  const touched = new Set<string>()
  let sums: Record<keyof Tally, number> = { ...zero }
  let byApplication = createApplicationSums()
  /** Nothing is counted before somebody asks. */
  let stale = true
  let rollouts: { readonly head: number; readonly counts: Summary['rollouts'] } | undefined

  function add(tally: Tally, sign: 1 | -1): void {
    for (const member of members) sums[member] += sign * tally[member]
  }

  function count(now: Known, cluster: string): void {
    const before = counted.get(cluster)
    if (before) {
      add(before.tally, -1)
      byApplication.take(before.named)
    }
    counted.delete(cluster)
    if (!isKnownCluster(now, cluster)) return
    const standings = listStandings(now, cluster)
    const tally = tallyOf(now, cluster, standings)
    const { fleet, state } = now
    const assigned = state.assignments.get(cluster)
    const named = standings.filter(
      ({ application }) => assigned?.has(application) || fleet?.applications.has(application),
    )
    counted.set(cluster, { tally, standings, named })
    add(tally, 1)
    byApplication.give(named)
  }

  function settle(now: Known): void {
    if (stale) countAll(now)
    for (const cluster of touched) count(now, cluster)
    touched.clear()
  }

  function countAll(now: Known): void {
    counted.clear()
    touched.clear()
    sums = { ...zero }
    byApplication = createApplicationSums()
    stale = false
    const { fleet, state } = now
    const names = [fleet?.clusters, state.enrolments, state.assignments]
    for (const name of new Set(names.flatMap((map) => [...(map?.keys() ?? [])]))) count(now, name)
  }

  return {
    touch(cluster) {
      beside?.touch(cluster)
      if (stale) return
      touched.add(cluster)
      if (touched.size >= mostTouched) settle(known())
    },
    touchAll() {
      stale = true
      beside?.touchAll()
    },
    read() {
      const now = known()
      settle(now)
      const { fleet, state } = now
      if (rollouts?.head !== state.head) {
        rollouts = { head: state.head, counts: countRollouts(state) }
      }
      const { connected, disconnected, neverConnected, stale: withoutWord, ...deployments } = sums
      return {
        clusters: {
          total: counted.size,
          ...{ connected, disconnected, neverConnected, stale: withoutWord },
          waitForApproval: state.pending.size,
          locked: state.locked.size,
          revoked: state.revoked.size,
        },
        deployments,
        applications: fleet?.applications.size ?? 0,
        groups: fleet?.groups.size ?? 0,
        rollouts: rollouts.counts,
        holds: state.holds.size,
      }
    },
    standingsOf(cluster) {
      if (stale || touched.size > 0) settle(known())
      return counted.get(cluster)?.standings ?? []
    },
    applications() {
      settle(known())
      return byApplication.all
    },
  }
}

function tallyOf(known: Known, cluster: string, standings: readonly ApplicationStanding[]): Tally {
  const status = known.status(cluster)
  const tally: Record<keyof Tally, number> = { ...zero }
  if (isStale(status, known.now)) tally.stale = 1
  switch (status.connection.state) {
    case 'Connected':
      tally.connected = 1
      break
    case 'Disconnected':
      tally.disconnected = 1
      break
    case 'NeverConnected':
      tally.neverConnected = 1
      break
  }
  for (const { standing, drifted } of standings) {
    tally[standing] += 1
    if (drifted) tally.drifted += 1
  }
  return tally
}

function countRollouts(state: LedgerState): Summary['rollouts'] {
  const counts = { active: 0, paused: 0, waiting: 0 }
  for (const run of state.runs.values()) {
    if (finalPhases.has(run.phase)) continue
    counts.active += 1
    if (run.phase === 'Paused') counts.paused += 1
    const plan = state.plans.get(run.id)
    if (plan && currentGate(plan, run)) counts.waiting += 1
  }
  return counts
}
