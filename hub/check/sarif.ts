import type { CheckReport } from './check.ts'
import type { Finding } from './finding.ts'
import { type FleetDiff, listGaps } from './fleet-diff.ts'
import { isLoss } from './removal.ts'
import { describeStrategyChange } from './strategy-diff.ts'
import { describeApplications, describeClusters } from './where.ts'

/** What forges take of one run; GitHub refuses more than 25,000. */
const mostResults = 5_000

export interface SarifResult {
  readonly rule: string
  readonly level: 'error' | 'warning' | 'note'
  readonly message: string
  readonly file: string
  /** From 1; 0 when it is not known. */
  readonly line: number
  readonly column: number
  /** `Deployment shop/web`. */
  readonly object: string
  readonly clusters: readonly string[]
}

/** A check as SARIF 2.1.0, for the code scanning of forges. */
export function toCheckSarif(report: CheckReport, version: string): object {
  const results = report.findings.map((finding) => toResult(finding, report.counts.clusters))
  const failures = report.unchecked.map(
    ({ application, reason }) => `Application ${application} was not checked: ${reason}`,
  )
  return toSarif(results, failures, version)
}

/** A diff as SARIF 2.1.0: what is deleted are warnings, all else that changes notes. */
export function toDiffSarif(diff: FleetDiff, version: string): object {
  const objects = diff.applications.flatMap(({ application, objects }) =>
    objects.flatMap(({ object, file, variants }) =>
      variants.map(({ change, fate, clusters }): SarifResult => ({
        rule: `object-${change}`,
        level: isLoss(fate) ? 'warning' : 'note',
        message:
          `Application ${application}: ${object} is ${fate ? `${change} (${fate})` : change} on ` +
          describeClusters(clusters, diff.counts.clusters),
        ...{ file, line: 0, column: 0, object, clusters },
      })),
    ),
  )
  const strategies = diff.strategies.map(({ applications, file, changes }): SarifResult => ({
    ...{ rule: 'rollout-strategy', level: 'note', file, line: 0, column: 0, object: '' },
    message: `Rollout strategy of ${describeApplications(applications)}: ${changes.map(describeStrategyChange).join('; ')}`,
    clusters: [],
  }))
  const failures = listGaps(diff)
  return toSarif([...objects, ...strategies], failures, version)
}

/** @param failures what could not be looked at */
export function toSarif(
  results: readonly SarifResult[],
  failures: readonly string[],
  version: string,
): object {
  const rules = [...new Set(results.map(({ rule }) => rule))].sort()
  const left = results.length - mostResults
  const notes = left > 0 ? [...failures, `${left} more results are left out`] : failures
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'swell', version, rules: rules.map((id) => ({ id })) } },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: failures.length === 0,
            toolExecutionNotifications: notes.map((text) => ({
              level: 'error',
              message: { text },
            })),
          },
        ],
        results: results.slice(0, mostResults).map((result) => spell(result, rules)),
      },
    ],
  }
}

function toResult(finding: Finding, total: number): SarifResult {
  const { severity, rule, message, anchor, file, line, column, object, clusters } = finding
  const isThere = anchor.file === file && finding.repository === 'fleet'
  const place = isThere ? '' : ` (${finding.repository}: ${file}${line > 0 ? `:${line}` : ''})`
  const where = describeClusters(clusters, total)
  return {
    ...{ rule, level: severity, object, clusters },
    message: `${object && `${object}: `}${message}${place}${where && `; on ${where}`}`,
    file: anchor.file,
    line: isThere ? line : anchor.line,
    column: isThere ? column : 0,
  }
}

function spell(result: SarifResult, rules: readonly string[]): object {
  const { rule, level, message, file, line, column, object, clusters } = result
  const region = line > 0 && {
    region: { startLine: line, ...(column > 0 && { startColumn: column }) },
  }
  const uri = file.split('/').map(encodeURIComponent).join('/')
  return {
    ruleId: rule,
    ruleIndex: rules.indexOf(rule),
    level,
    message: { text: message },
    locations: [
      {
        // What a generator makes is in no file.
        ...(uri && {
          physicalLocation: { artifactLocation: { uri, uriBaseId: '%SRCROOT%' }, ...region },
        }),
        ...(object && { logicalLocations: [{ fullyQualifiedName: object, kind: 'resource' }] }),
      },
    ],
    ...(clusters.length > 0 && { properties: { clusters } }),
  }
}
