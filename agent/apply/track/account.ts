import { allowsNamespace, type Scope, whyNamespaceRefused } from '@groundswell/proto/scope.ts'
import type { Cluster } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'

/**
 * The cluster as an application may use it: in the name of its ServiceAccount where it names one.
 *
 * @throws AgentError `outside_scope` when its Project does not hold the ServiceAccount's namespace
 */
export function inTheNameOf<Seen>(
  cluster: Seen & { as(serviceAccount: string): Seen },
  serviceAccount: string | undefined,
  scope: Scope | undefined,
): Seen {
  if (serviceAccount === undefined) return cluster
  const home = serviceAccount.split('/')[0] ?? ''
  if (scope && !allowsNamespace(scope, home)) {
    const refused = whyNamespaceRefused(scope, home)
    throw new AgentError('outside_scope', `serviceAccount ${serviceAccount}: ${refused}`)
  }
  return cluster.as(serviceAccount)
}

/** An application's cluster, by its manifest. @throws AgentError as above */
export function clusterOf(
  cluster: Cluster,
  { serviceAccount, scope }: { readonly serviceAccount?: string; readonly scope?: Scope },
): Cluster {
  return inTheNameOf<Cluster>(cluster, serviceAccount, scope)
}
