import type { Manifest } from '@groundswell/proto/manifest.ts'
import { groupOf } from '@groundswell/proto/object-id.ts'
import { whyOutsideScope } from '@groundswell/proto/scope.ts'
import { AgentError } from '../../errors.ts'
import type { Wanted } from './plan.ts'

/**
 * Lets an object through that its application's scope allows, here where it is known whether its
 * kind lives in namespaces. The hub has looked before: this is for a hub that did not (T30).
 *
 * @throws AgentError `outside_scope`
 */
export function holdToScope(wanted: Wanted, { scope }: Pick<Manifest, 'scope'>): Wanted {
  if (!scope) return wanted
  const { parsed, resource, source } = wanted
  // What it is applied as counts, not what it is listed as.
  const id = { ...parsed, group: groupOf(source.apiVersion) }
  const outside = whyOutsideScope(scope, id, resource.namespaced)
  if (outside !== undefined) throw new AgentError('outside_scope', outside)
  return wanted
}
