import type { ApplicationView, FleetView } from '../api/views.ts'
import type { Fault } from '../errors.ts'
import type { Contents } from '../render/contents.ts'
import { finalPhases } from '../rollout/rollout.ts'
import type { SourceView } from '../source/sources.ts'
import { viewSource } from './source-view.ts'
import { type Known, standingOf, toTime } from './cluster-view.ts'

/** Applications that are declared, or still run somewhere, by name. */
export function listApplicationNames({ fleet, state }: Known): string[] {
  const names = new Set(fleet?.applications.keys())
  for (const mine of state.assignments.values()) {
    for (const [name, { digest }] of mine) if (digest !== null) names.add(name)
  }
  return [...names].sort()
}

/** What the last look at Git made of it. */
export interface ApplicationFacts {
  readonly contents: Contents | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

export function viewApplication(
  known: Known,
  { contents, faults, warnings }: ApplicationFacts,
  name: string,
): ApplicationView | undefined {
  const declared = known.fleet?.applications.get(name)
  if (!declared && !listApplicationNames(known).includes(name)) return undefined
  const spec = declared?.spec
  const clusters = new Set(contents?.applications.get(name)?.keys())
  for (const [cluster, mine] of known.state.assignments) {
    if ((mine.get(name)?.digest ?? null) !== null) clusters.add(cluster)
  }
  const counts = { updated: 0, pending: 0, failed: 0, unreachable: 0, drifted: 0 }
  let revision: string | null = null
  for (const cluster of clusters) {
    const status = known.status(cluster)
    const assignment = known.state.assignments.get(cluster)?.get(name)
    counts[standingOf(assignment, status.applications[name], status.connection)] += 1
    if ((status.applications[name]?.driftedObjects ?? 0) > 0) counts.drifted += 1
    revision ??=
      contents?.applications.get(name)?.get(cluster)?.revision ?? assignment?.revision ?? null
  }
  const hold = known.state.holds.get(name)
  const isMine = ({ object }: Fault) => object === `Application ${name}`
  return {
    name,
    faults: faults.filter(isMine).map((fault) => ({ ...fault })),
    warnings: warnings.filter(isMine).map((fault) => ({ ...fault })),
    labels: { ...declared?.labels },
    source: {
      repository: spec?.source.repository ?? 'fleet',
      path: spec?.source.path ?? '',
      kind: spec?.source.helm ? 'helm' : spec?.source.kustomize ? 'kustomize' : 'directory',
    },
    strategy: spec?.rolloutStrategy ?? (spec?.rollout ? 'inline' : 'allAtOnce'),
    suspended: spec?.suspend ?? false,
    revision,
    targets: clusters.size,
    counts,
    rollout: currentRollout(known, name),
    hold: hold
      ? {
          contentDigest: hold.contentDigest,
          revision: hold.revision,
          rollout: hold.rollout,
          at: new Date(hold.at).toISOString(),
          reason: hold.reason,
        }
      : null,
  }
}

/** The active rollout, else the newest. */
function currentRollout({ state }: Known, application: string): ApplicationView['rollout'] {
  const mine = [...state.plans.values()].filter((plan) => plan.application === application)
  const runs = mine.map(({ id }) => state.runs.get(id)!)
  const run = runs.findLast(({ phase }) => !finalPhases.has(phase)) ?? runs.at(-1)
  return run ? { id: run.id, phase: run.phase, message: run.message } : null
}

export interface FleetFacts {
  readonly refused: string | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
  readonly sources: readonly SourceView[]
}

export function viewFleet({ fleet }: Known, facts: FleetFacts): FleetView {
  const main = facts.sources.find(({ name }) => name === 'fleet')
  return {
    revision: fleet?.revision ?? null,
    refused: facts.refused,
    lastFetch: toTime(main?.lastFetchedAt ?? null),
    sources: facts.sources.map(viewSource),
    faults: facts.faults.map((fault) => ({ ...fault })),
    warnings: facts.warnings.map((fault) => ({ ...fault })),
    counts: {
      clusters: fleet?.clusters.size ?? 0,
      groups: fleet?.groups.size ?? 0,
      applications: fleet?.applications.size ?? 0,
    },
  }
}
