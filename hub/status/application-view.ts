import type { ApplicationView, FleetView } from '../api/views.ts'
import type { Fault } from '../errors.ts'
import { assignedTo, runsOf } from '../ledger/by-application.ts'
import type { Contents } from '../render/contents.ts'
import { finalPhases } from '../rollout/rollout.ts'
import type { SourceView } from '../source/sources.ts'
import { viewSource } from './source-view.ts'
import { type Known, toTime } from './cluster-view.ts'
import type { TargetCounts } from './targets.ts'

/** What the last look at Git made of it. */
export interface ApplicationFacts {
  readonly contents: Contents | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** Undefined for one that is not declared, and is nowhere. */
export function viewApplication(
  known: Known,
  { contents, faults, warnings }: ApplicationFacts,
  name: string,
  where: TargetCounts | undefined,
): ApplicationView | undefined {
  const declared = known.fleet?.applications.get(name)
  if (!declared && !where) return undefined
  const spec = declared?.spec
  const { targets, counts, behind } = where ?? nowhere
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
    revision: findRevision(known, contents, name),
    targets,
    counts,
    behind,
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

const nowhere: TargetCounts = {
  targets: 0,
  counts: { updated: 0, pending: 0, failed: 0, unreachable: 0, drifted: 0 },
  behind: 0,
}

/** What Git asks for; of an application that it asks for no more, what is left somewhere. */
function findRevision({ state }: Known, contents: Contents | null, name: string): string | null {
  for (const { revision } of contents?.applications.get(name)?.values() ?? []) return revision
  for (const { digest, revision } of assignedTo(state, name).values()) {
    if (digest !== null) return revision
  }
  return null
}

/** The active rollout, else the newest. */
function currentRollout({ state }: Known, application: string): ApplicationView['rollout'] {
  const runs = runsOf(state, application)
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
