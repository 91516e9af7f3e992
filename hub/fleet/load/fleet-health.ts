import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { HealthCheck } from '@groundswell/proto/health-check.ts'
import { groupOf } from '@groundswell/proto/object-id.ts'
import type { Declared, Fleet } from '../fleet.ts'
import type { HealthCheckSpec } from '../kinds/health-check.ts'
import type { Path } from '../kinds/names.ts'

/** The fleet's own health checks, and a short name for all of them. */
export interface CommonHealth {
  /** Each kind once. */
  readonly checks: readonly HealthCheck[]
  readonly digest: Digest
}

/** What every application's kinds are judged by; undefined where the fleet declares nothing. */
export function readCommonHealth({
  healthChecks,
}: Pick<Fleet, 'healthChecks'>): CommonHealth | undefined {
  // By kind, so that it does not matter in which file a check stands.
  const checks = [...healthChecks.values()]
    .flatMap(({ spec }) => spec.healthCheckExprs)
    .sort((a, b) => (keyOfCheck(a) < keyOfCheck(b) ? -1 : 1))
  return checks.length === 0 ? undefined : { checks, digest: digestOf(JSON.stringify(checks)) }
}

/** Kinds that another HealthCheck judges already: nothing says which of the two is meant. */
export function findHealthRivals(
  { name, spec }: Declared<HealthCheckSpec>,
  { healthChecks }: Pick<Fleet, 'healthChecks'>,
): readonly { readonly path: Path; readonly message: string }[] {
  const judged = new Map<string, Declared<HealthCheckSpec>>()
  for (const other of healthChecks.values()) {
    if (other.name === name) break
    for (const check of other.spec.healthCheckExprs) judged.set(keyOfCheck(check), other)
  }
  return spec.healthCheckExprs.flatMap((check, index) => {
    const other = judged.get(keyOfCheck(check))
    if (!other) return []
    const message = `${check.kind} of this group is judged by HealthCheck ${other.name} already, at ${other.file}:${other.line}`
    return { path: ['spec', 'healthCheckExprs', index, 'kind'], message }
  })
}

/** A kind within its group: the version does not count. */
export function keyOfCheck({ apiVersion, kind }: Pick<HealthCheck, 'apiVersion' | 'kind'>): string {
  return `${groupOf(apiVersion)}/${kind}`
}
