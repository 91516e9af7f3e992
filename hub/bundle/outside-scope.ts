import { type Scope, whyOutsideScope } from '@groundswell/proto/scope.ts'
import type { RenderedObject } from '../render/engine.ts'

/** Groups of which the render engine knows what lives in namespaces; `settle` in normalize.go. */
const knownGroups = new Set([
  ...['', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io'],
  ...['apps', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling', 'batch'],
  ...['certificates.k8s.io', 'coordination.k8s.io', 'discovery.k8s.io', 'events.k8s.io'],
  ...['flowcontrol.apiserver.k8s.io', 'internal.apiserver.k8s.io', 'networking.k8s.io'],
  ...['node.k8s.io', 'policy', 'rbac.authorization.k8s.io', 'resource.k8s.io'],
  ...['scheduling.k8s.io', 'storage.k8s.io', 'storagemigration.k8s.io'],
])

/**
 * Why a rendered object is outside of the scope, or undefined. A custom kind that names no
 * namespace may live in one or in none, which only the cluster can tell: it is refused here when
 * neither would do, and the agent decides.
 */
export function whyRenderedOutside(
  { id }: Pick<RenderedObject, 'id'>,
  scope: Scope,
  { targetNamespace }: { readonly targetNamespace: string },
): string | undefined {
  if (id.namespace !== '') return whyOutsideScope(scope, id, true)
  const outside = whyOutsideScope(scope, id, false)
  if (knownGroups.has(id.group) || targetNamespace === '') return outside
  return outside && whyOutsideScope(scope, { ...id, namespace: targetNamespace }, true) && outside
}
