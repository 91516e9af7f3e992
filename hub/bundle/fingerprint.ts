import { digestOf } from '@groundswell/proto/digest.ts'
import type { Naming } from '@groundswell/proto/spelling.ts'

/** The same for manifests that name the same objects, whatever is in them. */
export function fingerprintIds({ objects, targetNamespace }: Naming): string {
  const ids = objects.map(({ id }) => id).sort()
  // Half of a digest is enough to tell them apart.
  return digestOf(JSON.stringify([targetNamespace, ...ids])).slice('sha256:'.length, -32)
}
