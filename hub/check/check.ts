import {
  type Finding,
  findConfigurationFaults,
  findConfigurationWarnings,
  mergeFindings,
} from './finding.ts'
import type { RenderedFleet, Unchecked } from './rendered-fleet.ts'
import type { HubError } from '../errors.ts'

/** What `swell check` found. */
export interface CheckReport {
  /** `working-tree@sha1:…` */
  readonly revision: string
  readonly verdict: Verdict
  readonly counts: {
    readonly clusters: number
    readonly applications: number
    /** Applications on clusters. */
    readonly targets: number
    /** Distinct renders behind them. */
    readonly renders: number
    readonly objects: number
    readonly errors: number
    readonly warnings: number
  }
  /** Errors first, then by place. */
  readonly findings: readonly Finding[]
  readonly unchecked: readonly Unchecked[]
}

/**
 * `passed`, `failed`, or `incomplete`: nothing wrong was found, but not everything was looked at,
 * which is no pass.
 */
export type Verdict = 'passed' | 'failed' | 'incomplete'

/** A fleet whose own files have faults: nothing of it was rendered. */
export function reportConfiguration(revision: string, error: HubError): CheckReport {
  return report(revision, findConfigurationFaults(error), [], {
    ...{ clusters: 0, applications: 0, targets: 0, renders: 0, objects: 0 },
  })
}

/** What was found in a rendered fleet, and by policies in its objects. */
export function reportFleet(
  rendered: RenderedFleet,
  violations: readonly Finding[],
  unasked: readonly Unchecked[] = [],
): CheckReport {
  const contents = [...rendered.contents.values()].flatMap((on) => [...on.values()])
  return report(
    rendered.fleet.revision,
    [...findConfigurationWarnings(rendered.fleet), ...rendered.findings, ...violations],
    [...rendered.unchecked, ...unasked],
    {
      clusters: rendered.fleet.clusters.size,
      applications: rendered.fleet.applications.size,
      targets: contents.length,
      renders: rendered.renders,
      objects: contents.reduce((sum, { objects }) => sum + objects.length, 0),
    },
  )
}

function report(
  revision: string,
  found: readonly Finding[],
  unchecked: readonly Unchecked[],
  counted: Omit<CheckReport['counts'], 'errors' | 'warnings'>,
): CheckReport {
  const findings = mergeFindings(found)
  const count = (severity: Finding['severity']) =>
    findings.filter((finding) => finding.severity === severity).length
  const errors = count('error')
  return {
    revision,
    verdict: errors > 0 ? 'failed' : unchecked.length > 0 ? 'incomplete' : 'passed',
    counts: { ...counted, errors, warnings: count('warning') },
    findings,
    unchecked,
  }
}
