import type { Digest } from '@groundswell/proto/digest.ts'
import { parseManifest } from '@groundswell/proto/manifest.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { ContentStore } from './content.ts'

/** Manifests somebody may still ask for: what runs, what was good, what rollouts bring or go back to. */
export function listLiveManifests(state: LedgerState): Set<Digest> {
  const live = new Set<Digest>()
  const add = (content: { readonly digest: Digest | null } | null): void => {
    if (content?.digest) live.add(content.digest)
  }
  for (const mine of state.assignments.values()) for (const one of mine.values()) add(one)
  for (const mine of state.good.values()) for (const one of mine.values()) add(one)
  for (const plan of state.plans.values()) {
    for (const target of Object.values(plan.targets)) {
      add(target)
      add(target.previous)
    }
  }
  return live
}

/**
 * Removes content that nothing refers to any more and that is older than `minimumAge`
 * milliseconds, so that the store grows with the fleet and not with its history. Should anything
 * be missed, it is rendered again. Returns how many blobs went.
 */
export async function sweepContent(
  content: ContentStore,
  manifests: ReadonlySet<Digest>,
  minimumAge: number,
): Promise<number> {
  const keep = new Set(manifests)
  for (const manifest of manifests) {
    const [bytes] = await content.get([manifest])
    if (bytes) for (const { digest } of parseManifest(bytes).objects) keep.add(digest)
  }
  return content.sweep(keep, minimumAge)
}
