import type { Fleet } from '../../fleet/fleet.ts'
import { dependenciesOn } from '../../fleet/resolve/resolve.ts'
import { plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { type Desired, explainDependency } from '../withhold/dependency.ts'
import { type Ahead, type Pace, listPastWaves } from './estimate.ts'
import { type WaveEnds, foretellWaves, leftOf } from './eta.ts'
import { windowsOn } from '../withhold/fleet-windows.ts'
import type { RolloutPlan } from '../rollout.ts'
import { type Outlook, type Waits, noWaits } from './waits.ts'
import { type Window, createOpenings, judgeWindows } from '../withhold/windows.ts'

export interface ForesightDeps {
  /** Whose windows and dependencies count: as it is now, or as somebody proposes it. */
  readonly fleet: Fleet
  readonly state: LedgerState
  readonly desired?: Desired
  readonly now: number
  /** Applications that the same change rolls out, and that nothing is known of yet. */
  readonly besides?: ReadonlySet<string>
}

type Planned = Pick<RolloutPlan, 'application' | 'waves'>

/**
 * When clusters of a plan may be offered it: as windows and freezes stand now, and once applications
 * that come first are there, by what is left of their own rollouts. What cannot be told is named.
 */
export function foresee(deps: ForesightDeps, plan: Planned): Ahead {
  return foreseeAfter(deps, plan, new Set([plan.application]))
}

function foreseeAfter(deps: ForesightDeps, plan: Planned, seen: ReadonlySet<string>): Ahead {
  const { fleet, state, now, besides } = deps
  const uncounted = new Set<string>()
  const firsts = { typical: new Map<string, number>(), longest: new Map<string, number>() }
  const rollouts = new Map<string, WaveEnds | null>()
  const newestFirst = new Map<string, readonly RolloutPlan[]>()
  const spec = fleet.applications.get(plan.application)?.spec

  /** When a rollout that is under way will be done with each of its waves. */
  function endsOf(other: RolloutPlan): WaveEnds | null {
    const known = rollouts.get(other.id)
    if (known !== undefined) return known
    const run = state.runs.get(other.id)!
    const ahead = foreseeAfter(deps, leftOf(other, run), new Set([...seen, other.application]))
    const past = listPastWaves(state, other.application)
    const found = foretellWaves(other, run, past, { ...ahead, now })
    rollouts.set(other.id, found)
    return found
  }

  function noteDependencies(cluster: string): void {
    const declared = fleet.clusters.get(cluster)
    if (!spec?.dependsOn || !declared) return
    for (const { name } of dependenciesOn(fleet, spec, declared).dependsOn ?? []) {
      const plans = newestFirst.get(name) ?? plansOf(state, name).reverse()
      newestFirst.set(name, plans)
      const isDue = besides?.has(name) === true
      const asked = deps.desired?.(name, cluster)
      if (!isDue && explainDependency(state, plans, name, cluster, asked) === null) continue
      const other = isDue || seen.has(name) ? undefined : plans.find((one) => one.targets[cluster])
      const ends = other && endsOf(other)
      const wave = other?.waves.findIndex(({ clusters }) => clusters.includes(cluster)) ?? -1
      const at = { typical: ends?.typical[wave] ?? null, longest: ends?.longest[wave] ?? null }
      if (at.typical === null || at.longest === null) {
        uncounted.add(`application ${name}, which comes first`)
        continue
      }
      for (const words of ends?.uncounted ?? [])
        uncounted.add(`${words}, in the rollout of ${name}`)
      note('typical', cluster, at.typical)
      note('longest', cluster, at.longest)
    }
  }

  function note(pace: Pace, cluster: string, at: number): void {
    firsts[pace].set(cluster, Math.max(firsts[pace].get(cluster) ?? 0, at))
  }

  let isFree = true
  for (const { clusters } of plan.waves) {
    for (const name of clusters) {
      noteDependencies(name)
      if (windowsOn(fleet, state, plan.application, name).length > 0) isFree = false
    }
  }
  const waits = (pace: Pace): Waits =>
    isFree && firsts[pace].size === 0
      ? noWaits
      : waitFor(firsts[pace], (cluster) => windowsOn(fleet, state, plan.application, cluster))
  return {
    from: { typical: now, longest: now },
    waits: { typical: waits('typical'), longest: waits('longest') },
    uncounted: [...uncounted],
  }
}

/** A schedule of every minute takes long to look at, and is mostly one that stays open for ever. */
const mostCut = 2

function waitFor(
  first: ReadonlyMap<string, number>,
  windowsOf: (cluster: string) => readonly Window[],
): Waits {
  const openings = createOpenings()
  const numbers = new Map<readonly Window[], number>()
  let cut = 0
  return {
    keyOf(cluster) {
      const windows = windowsOf(cluster)
      const number = numbers.get(windows) ?? numbers.size
      numbers.set(windows, number)
      return `${number} ${first.get(cluster) ?? ''}`
    },
    look(cluster, at): Outlook {
      const since = first.get(cluster) ?? at
      if (since > at) return { open: false, until: since }
      const windows = windowsOf(cluster)
      const found = windows.map((window) => openings.of(window, at))
      const open = judgeWindows(windows, openings, at) === null
      if (found.some(({ isCut }) => isCut)) cut += 1
      if (cut > mostCut) return { open, until: null }
      const changes = found.flatMap(({ until }) => until ?? [])
      return { open, until: changes.length === 0 ? null : Math.min(...changes) }
    },
  }
}
