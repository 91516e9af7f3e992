import type { Digest } from '@groundswell/proto/digest.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import { matchesTarget } from '../../fleet/resolve/matches-target.ts'
import { whySkipped } from '../../fleet/resolve/resolve.ts'
import { assignedTo } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'

/** What Git places on a cluster and that is not proven there. */
export interface Expected {
  readonly application: string
  /** Null where nobody knows what it would be, since it cannot be rendered. */
  readonly digest: Digest | null
}

/**
 * By cluster: what applications are to have there by Git, arrived or not, until it has proven good. One that was
 * rolled back or refused is still wanted. What has proven good is its application's by the cluster's own word,
 * and so is what names the same objects.
 *
 * @param isAlike whether two manifests name the same objects, as far as that is known
 */
export function listExpected(
  state: LedgerState,
  fleet: Fleet,
  { applications, skipped }: Pick<Contents, 'applications' | 'skipped'>,
  isAlike: (one: Digest, other: Digest) => boolean,
): ReadonlyMap<string, readonly Expected[]> {
  const found = new Map<string, Expected[]>()
  const add = (cluster: string, one: Expected): void => {
    const mine = found.get(cluster)
    if (mine) mine.push(one)
    else found.set(cluster, [one])
  }
  const expect = (application: string, cluster: string, digest: Digest): void => {
    const good = state.good.get(cluster)?.get(application)?.digest
    const given = state.assignments.get(cluster)?.get(application)?.digest
    const isProven = [good, given].every((one) => one && (one === digest || isAlike(one, digest)))
    if (!isProven) add(cluster, { application, digest })
  }
  for (const { name } of fleet.applications.values()) {
    const made = applications.get(name)
    for (const [cluster, { digest }] of made ?? []) if (digest) expect(name, cluster, digest)
    if (made && !skipped.get(name)?.size) continue
    // What is left as it is keeps what it was given.
    for (const [cluster, { digest }] of assignedTo(state, name)) {
      if (digest && !made?.has(cluster)) expect(name, cluster, digest)
    }
    for (const cluster of listUnrendered(fleet, name, made)) {
      add(cluster, { application: name, digest: null })
    }
  }
  return found
}

/** Clusters that Git places an application on, and for which it was not rendered, though nobody suspended it. */
function listUnrendered(
  fleet: Fleet,
  name: string,
  made: ReadonlyMap<string, unknown> | undefined,
): string[] {
  const application = fleet.applications.get(name)!
  return [...fleet.clusters.values()]
    .filter((cluster) => {
      if (made?.has(cluster.name)) return false
      const target = application.spec.targets.find((one) => matchesTarget(fleet, one, cluster))
      return target !== undefined && !whySkipped(fleet, application, cluster, target)
    })
    .map((cluster) => cluster.name)
}
