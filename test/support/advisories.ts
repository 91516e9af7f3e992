/** Of `package-lock.json`, what is needed here. */
export interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>
}

/**
 * Lowest versions without a known advisory of level high, by package: what can be held without
 * asking anybody. Each was raised for the advisory that stands beside it.
 */
export const floors: Readonly<Record<string, string>> = {
  '@grpc/grpc-js': '1.14.5', // CVE-2026-101916, -101915, -48068, -48069
  fastify: '5.12.1', // CVE-2026-33806, -25223, -3419
  jose: '6.2.10',
  protobufjs: '7.6.3', // CVE-2026-41242, -44291, -44293
  'simple-git': '4.0.2', // CVE-2026-28291, -28292, -6951, -102827; of the release before
  yaml: '2.8.3', // CVE-2026-33532
  'js-yaml': '5.0.0', // CVE-2026-53550
}

/** Packages whose kind of fault we do not want to have at all: authorisation by path. */
export const banned: readonly string[] = ['@fastify/middie', 'express']

/** What of a lock file is below a floor or banned, in words; empty when nothing is. */
export function findOutdated(lock: LockFile): string[] {
  return Object.entries(lock.packages).flatMap(([path, { version }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    if (banned.includes(name)) return [`${path}: ${name} is not to be used`]
    const floor = floors[name]
    if (floor === undefined || version === undefined || compareVersions(version, floor) >= 0) {
      return []
    }
    return [`${path}: ${version} has known advisories; take ${floor} or newer`]
  })
}

export type AuditVerdict =
  | { readonly kind: 'clean' }
  | { readonly kind: 'vulnerable'; readonly lines: readonly string[] }
  /** The registry did not answer, so nothing is known either way. */
  | { readonly kind: 'unanswered'; readonly reason: string }

/**
 * Reads what `npm audit --json` printed. Only an answer counts as clean: a registry that refuses
 * to be asked is told apart, and so is anything unknown.
 *
 * @throws SyntaxError when it is not JSON
 */
export function judgeAudit(output: string): AuditVerdict {
  const report = JSON.parse(output) as {
    readonly error?: unknown
    readonly message?: string
    readonly vulnerabilities?: Readonly<
      Record<string, { readonly severity: string; readonly range: string }>
    >
  }
  if (!report.vulnerabilities) {
    return { kind: 'unanswered', reason: report.message ?? 'npm audit gave no report' }
  }
  const lines = Object.entries(report.vulnerabilities)
    .filter(([, { severity }]) => severity === 'high' || severity === 'critical')
    .map(([name, { severity, range }]) => `${name} ${range}: ${severity}`)
  return lines.length > 0 ? { kind: 'vulnerable', lines } : { kind: 'clean' }
}

function compareVersions(a: string, b: string): number {
  // A pre-release comes before its release, so it counts as below it.
  const [left, right] = [a, b].map((text) => text.split('-')[0]!.split('.').map(Number))
  for (let at = 0; at < 3; at += 1) {
    const difference = (left![at] ?? 0) - (right![at] ?? 0)
    if (difference !== 0) return difference
  }
  return Number(b.includes('-')) - Number(a.includes('-'))
}
