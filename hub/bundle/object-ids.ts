import { digestOf } from '@groundswell/proto/digest.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import { formatObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'

/* Which objects a manifest names. An id without a namespace may be of a cluster-scoped object, or of one that
   lives in the application's namespace: only the cluster knows. */

type Named = Pick<Manifest, 'targetNamespace'> & {
  readonly objects: readonly { readonly id: string }[]
}

/** Every id by which a manifest's objects may live on a cluster. */
export function listSpellings(manifest: Named): Set<string> {
  return new Set([...manifest.objects.map(({ id }) => id), ...listPlaces(manifest)])
}

/** One id for each object, as if all were namespaced. */
export function listPlaces({ objects, targetNamespace }: Named): string[] {
  return objects.map(({ id }) => {
    const parsed = parseObjectId(id)
    return formatObjectId({ ...parsed, namespace: parsed.namespace || targetNamespace })
  })
}

/** The same for manifests that name the same objects, whatever is in them. */
export function fingerprintIds({ objects, targetNamespace }: Named): string {
  const ids = objects.map(({ id }) => id).sort()
  // Half of a digest is enough to tell them apart.
  return digestOf(JSON.stringify([targetNamespace, ...ids])).slice('sha256:'.length, -32)
}
