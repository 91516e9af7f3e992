import type { Manifest } from './manifest.ts'
import { formatObjectId, parseObjectId } from './object-id.ts'

/* Which objects a manifest names. An id without a namespace may be of a cluster-scoped object, or of one that
   lives in the application's namespace: only the cluster knows. */

/** What names objects, as a manifest does. */
export type Naming = Pick<Manifest, 'targetNamespace'> & {
  readonly objects: readonly { readonly id: string }[]
}

/** Every id by which a manifest's objects may live on a cluster. */
export function listSpellings(manifest: Naming): Set<string> {
  return new Set([...manifest.objects.map(({ id }) => id), ...listPlaces(manifest)])
}

/** One id for each object, as if all were namespaced. */
export function listPlaces({ objects, targetNamespace }: Naming): string[] {
  return objects.map(({ id }) => {
    const parsed = parseObjectId(id)
    return formatObjectId({ ...parsed, namespace: parsed.namespace || targetNamespace })
  })
}

/** As an object of the whole cluster is known, also where its author has named a namespace. */
export function withoutNamespace(id: string): string {
  return formatObjectId({ ...parseObjectId(id), namespace: '' })
}
