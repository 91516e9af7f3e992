import { type Fault, HubError } from '../errors.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import type { ApplicationSpec } from '../fleet/kinds/application.ts'

/** `error` fails a check, `warning` does so only when asked to, `note` never does. */
export type Severity = 'error' | 'warning' | 'note'

/** Something a check found, once for all clusters it is true of. */
export interface Finding {
  readonly severity: Severity
  /** What found it: `configuration`, `render`, or a policy by its name. */
  readonly rule: string
  readonly message: string
  /** As people see it in its repository. */
  readonly file: string
  /** From 1; 0 when it is not known. */
  readonly line: number
  readonly column: number
  /** Repository of the file; `fleet` for the fleet repository itself. */
  readonly repository: string
  /** Where in the fleet repository it can be shown: the file itself, or what declares the application. */
  readonly anchor: { readonly file: string; readonly line: number }
  /** What it is about: `Application shop`, `Deployment shop/web`; empty when it is a file. */
  readonly object: string
  readonly application: string
  /** By name; empty when it is true whatever the cluster. */
  readonly clusters: readonly string[]
}

export const severities: readonly Severity[] = ['error', 'warning', 'note']

/** Faults of the fleet repository's own files. */
export function findConfigurationFaults(error: HubError): Finding[] {
  const faults = error.faults.length > 0 ? error.faults : [{ message: error.message }]
  return faults.map((fault) => toConfigurationFinding(fault, 'error'))
}

/** What is right in the fleet repository's files, but does not do all that its author may expect. */
export function findConfigurationWarnings({ warnings }: Fleet): Finding[] {
  return warnings.map((fault) => toConfigurationFinding(fault, 'warning'))
}

function toConfigurationFinding(fault: Fault, severity: Severity): Finding {
  return {
    ...toFinding(fault, severity, 'configuration'),
    application: /^Application (.+)$/.exec(fault.object ?? '')?.[1] ?? '',
  }
}

/** Why an application has no objects on a cluster. A fault without a place is told where it is declared. */
export function findRenderFaults(
  error: unknown,
  application: Declared<ApplicationSpec>,
  cluster: string,
): Finding[] {
  const message = error instanceof Error ? error.message : String(error)
  const faults = error instanceof HubError && error.faults.length > 0 ? error.faults : [{ message }]
  return faults.map((fault) =>
    placeFinding({ ...toFinding(fault, 'error', 'render'), clusters: [cluster] }, application),
  )
}

/** Says where a finding about an application's objects is. */
export function placeFinding(finding: Finding, application: Declared<ApplicationSpec>): Finding {
  const { file, line } = application
  const placed = { ...finding, application: application.name, anchor: { file, line } }
  if (finding.file === '') return { ...placed, file, line }
  const { repository = 'fleet' } = application.spec.source
  if (repository !== 'fleet') return { ...placed, repository }
  return { ...placed, anchor: { file: finding.file, line: finding.line } }
}

/** Of findings that differ only in their clusters one is left, with all of them. */
export function mergeFindings(findings: readonly Finding[]): Finding[] {
  const groups = Map.groupBy(findings, (finding) => JSON.stringify({ ...finding, clusters: [] }))
  return [...groups.values()]
    .map((group) => ({
      ...group[0]!,
      clusters: [...new Set(group.flatMap(({ clusters }) => clusters))].sort(),
    }))
    .sort(byPlace)
}

function toFinding(fault: Fault, severity: Severity, rule: string): Finding {
  const { file = '', line = 0, column = 0, object = '', cluster, message } = fault
  return {
    ...{ severity, rule, message, file, line, column, object },
    ...{ repository: 'fleet', anchor: { file, line }, application: '' },
    clusters: cluster === undefined ? [] : [cluster],
  }
}

function byPlace(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    compare(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compare(a.application, b.application) ||
    compare(a.object, b.object) ||
    compare(a.message, b.message)
  )
}

/** By code units, so that the order is the same on every machine. */
function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
