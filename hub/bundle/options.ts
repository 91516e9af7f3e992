import { parseDuration } from '@groundswell/proto/duration.ts'
import type { CommonHealth } from '../fleet/load/fleet-health.ts'
import type { ApplicationSpec } from '../fleet/kinds/application.ts'
import type { ResolvedTarget } from '../fleet/resolve/resolve.ts'
import type { BundleOptions } from './build.ts'

/** How an application says its objects are to be kept on one cluster. */
export function toBundleOptions(
  spec: ApplicationSpec,
  { application, namespace, scope, dependsOn }: ResolvedTarget,
): BundleOptions {
  return {
    application,
    targetNamespace: namespace,
    prune: spec.prune ?? true,
    allowEmpty: spec.allowEmpty ?? false,
    ...(spec.pruneLimit !== undefined && { pruneLimit: spec.pruneLimit }),
    ...(spec.confirmPrune && { confirmPrune: spec.confirmPrune }),
    drift: spec.drift ?? 'correct',
    deletionPolicy: spec.deletionPolicy ?? 'Delete',
    ...(scope && { scope }),
    ...(spec.adoption && { adoption: spec.adoption }),
    ...(dependsOn && { dependsOn }),
    ...(spec.serviceAccount !== undefined && { serviceAccount: spec.serviceAccount }),
    ...(spec.timeout !== undefined && { timeout: parseDuration(spec.timeout) }),
    ...(spec.replace && { replace: spec.replace }),
    ...(spec.ignoreDifferences && { ignore: spec.ignoreDifferences }),
    ...(spec.healthCheckExprs && { healthChecks: spec.healthCheckExprs }),
  }
}

/** Apart from what the application says: it is the same for all, and named by one digest. */
export function withCommonHealth(
  options: BundleOptions,
  health: CommonHealth | undefined,
): BundleOptions {
  return health ? { ...options, commonHealth: health.checks } : options
}
