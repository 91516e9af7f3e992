import { allowsNamespace, whyNamespaceRefused } from '@groundswell/proto/scope.ts'
import type { Cluster } from '../cluster/port.ts'
import { AgentError } from '../errors.ts'
import type { VerifiedApplication } from '../trust/verified.ts'

/**
 * The cluster as an application may use it: one with a ServiceAccount is read and written with that
 * one's rights.
 *
 * @throws AgentError `outside_scope` when its project has no say over that ServiceAccount
 */
export function actFor(wanted: VerifiedApplication, cluster: Cluster): Cluster {
  if (wanted.state !== 'present' || wanted.manifest.serviceAccount === undefined) return cluster
  const { serviceAccount, scope } = wanted.manifest
  const home = serviceAccount.split('/')[0] ?? ''
  if (scope && !allowsNamespace(scope, home)) {
    const refused = whyNamespaceRefused(scope, home)
    throw new AgentError('outside_scope', `serviceAccount ${serviceAccount}: ${refused}`)
  }
  return cluster.as(serviceAccount)
}
