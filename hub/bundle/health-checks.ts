import { type HealthCheck, healthCheckLimit } from '@groundswell/proto/health-check.ts'
import type { Fault } from '../errors.ts'
import { keyOfCheck } from '../fleet/load/fleet-health.ts'
import type { RenderedObject } from '../render/engine.ts'

export interface HealthOptions {
  readonly application: string
  /** How kinds of its objects fare, by expressions of its author. */
  readonly healthChecks?: readonly HealthCheck[]
  /** How kinds fare in the whole fleet; goes along for kinds that are here and not judged otherwise. */
  readonly commonHealth?: readonly HealthCheck[]
}

/**
 * What an application's objects are judged by: its own words before the fleet's. A check of the
 * fleet for a kind it has not is left out, so that its content stays the same bytes.
 */
export function selectHealthChecks(
  objects: readonly Pick<RenderedObject, 'apiVersion' | 'id'>[],
  { healthChecks = [], commonHealth = [] }: HealthOptions,
): readonly HealthCheck[] {
  if (commonHealth.length === 0) return healthChecks
  const own = new Set(healthChecks.map(keyOfCheck))
  const here = new Set(
    objects.map(({ apiVersion, id: { kind } }) => keyOfCheck({ apiVersion, kind })),
  )
  const common = commonHealth.filter((check) => {
    const key = keyOfCheck(check)
    return here.has(key) && !own.has(key)
  })
  return [...healthChecks, ...common]
}

/** Agents take no more than a bounded number for one application. */
export function findHealthFaults(
  checks: readonly HealthCheck[],
  { application }: HealthOptions,
): readonly Fault[] {
  if (checks.length <= healthCheckLimit) return []
  return [
    {
      object: `Application ${application}`,
      message: `${checks.length} of its kinds have healthCheckExprs, its own and the fleet's; at most ${healthCheckLimit} are allowed: split the application`,
    },
  ]
}
