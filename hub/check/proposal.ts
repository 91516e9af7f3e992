import type { ProposedView } from '../api/proposal-view.ts'
import type { FleetFile } from '../fleet/load/load.ts'
import type { Contents } from '../render/contents.ts'
import type { CheckReport } from './check.ts'
import type { Finding } from './finding.ts'
import { fitObjects } from './fit-objects.ts'
import { type ApplicationDiff, type FleetDiff, listGaps } from './fleet-diff.ts'

/** A change to the fleet repository that is not followed, and what would come of it. */
export interface Proposal {
  /** `feature@sha1:…` */
  readonly revision: string
  readonly author: string
  readonly subject: string
  /** Where it parted from what is followed; that itself when they have nothing in common. */
  readonly base: string
  /** Whether what is followed has moved since. */
  readonly behind: boolean
  /** Its configuration files; none when they are refused. */
  readonly files: readonly FleetFile[]
  /** Since `base`. */
  readonly told: ProposedView
  /** Of the applications that differ. */
  readonly contents: Contents
}

const mostFindings = 500
const mostApplications = 200
const mostStrategies = 200
/** Characters of all patches together. */
const patchRoom = 4 * 1024 * 1024

/** What a check found and a comparison shows, bounded. Without a comparison nothing is said to change. */
export function tellProposal(report: CheckReport, diff: FleetDiff | null): ProposedView {
  const { verdict, findings } = report
  const shown = diff?.applications.slice(0, mostApplications) ?? []
  const room = { left: patchRoom }
  return {
    verdict,
    counts: diff?.counts ?? null,
    findings: findings.slice(0, mostFindings).map((one) => ({
      ...{ severity: one.severity, rule: one.rule, message: one.message, file: one.file },
      ...{ line: one.line, object: one.object, application: one.application },
      clusters: one.clusters,
    })),
    findingsLeftOut: Math.max(0, findings.length - mostFindings),
    gaps: diff ? listGaps(diff) : [],
    strategies: (diff?.strategies ?? [])
      .slice(0, mostStrategies)
      .map(({ applications, changes }) => ({ applications, changes })),
    applications: shown.map((one) => ({
      ...{ application: one.application, clusters: one.clusters },
      changes: tellChanges(one, diff?.held ?? [], room),
    })),
    applicationsLeftOut: (diff?.applications.length ?? 0) - shown.length,
  }
}

function tellChanges(
  { application, objects }: ApplicationDiff,
  held: readonly Finding[],
  room: { left: number },
): ProposedView['applications'][number]['changes'] {
  const count = (kind: string) =>
    objects.filter(({ variants }) => variants.some(({ change }) => change === kind)).length
  const fitting = fitObjects(objects, room)
  return {
    ...{ removed: count('removed'), changed: count('changed'), added: count('added') },
    objects: fitting,
    objectsLeftOut: objects.length - fitting.length,
    notCompared: [],
    held: held
      .filter((one) => one.application === application)
      .map(({ message, clusters }) => `${clusters.join(', ')}: ${message}`),
  }
}
