import { createHash } from 'node:crypto'
import { type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { Inventory } from './inventory.ts'

/* Which objects belong together, as kubectl tells it (KEP-3659). The KEP's text writes
   `applyset.k8s.io`; kubectl's code, and so everybody, `applyset.kubernetes.io`. */

/** Label of every member: the id of its set. */
export const partOfLabel = 'applyset.kubernetes.io/part-of'
const idLabel = 'applyset.kubernetes.io/id'
const toolingNote = 'applyset.kubernetes.io/tooling'
const kindsNote = 'applyset.kubernetes.io/contains-group-kinds'
const namespacesNote = 'applyset.kubernetes.io/additional-namespaces'

const mostNamespaces = 1_000

/** Other tools leave a set alone that names another tool. */
const tooling = 'groundswell/v1.0.0'

/** The id of the set whose parent is this object. */
export function applySetIdOf({ name, namespace, kind, group }: ObjectId): string {
  const hash = createHash('sha256').update([name, namespace, kind, group].join('.'))
  return `applyset-${hash.digest('base64url')}-v1`
}

/** Labels and annotations of a set's parent: what is in it, for those who look for its members. */
export function describeSet(
  parent: ObjectId,
  inventory: Inventory,
): {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
} {
  const kinds = new Set<string>()
  const namespaces = new Set<string>()
  for (const id of inventory.keys()) {
    const { group, kind, namespace } = parseObjectId(id)
    kinds.add(group === '' ? kind : `${kind}.${group}`)
    if (namespace !== '' && namespace !== parent.namespace) namespaces.add(namespace)
  }
  return {
    labels: { [idLabel]: applySetIdOf(parent) },
    annotations: {
      [toolingNote]: tooling,
      [kindsNote]: [...kinds].sort().join(','),
      // A hint where to look, and no annotation has room for thousands: without it, look everywhere.
      ...(namespaces.size <= mostNamespaces && {
        [namespacesNote]: [...namespaces].sort().join(','),
      }),
    },
  }
}
