import type { Digest } from '@groundswell/proto/digest.ts'
import type { ContentStore } from './content.ts'

/**
 * Whether content is stored, one digest at a time for those who ask and all of a moment at once for
 * the store: a fleet of thousands asks for each thing it knows whether it is still there.
 */
export function createPresence(
  store: Pick<ContentStore, 'missing'>,
): (digest: Digest) => Promise<boolean> {
  let asked: { readonly digests: Set<Digest>; readonly missing: Promise<Set<Digest>> } | undefined
  return async (digest) => {
    asked ??= collect()
    asked.digests.add(digest)
    return !(await asked.missing).has(digest)
  }

  function collect() {
    const digests = new Set<Digest>()
    const missing = Promise.resolve().then(async () => {
      asked = undefined
      return new Set(await store.missing([...digests]))
    })
    return { digests, missing }
  }
}
