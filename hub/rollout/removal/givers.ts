import type { Digest } from '@groundswell/proto/digest.ts'
import { parseObjectId } from '@groundswell/proto/object-id.ts'
import type { ManifestObjects } from '../../bundle/stored-manifest.ts'
import { HubError } from '../../errors.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import type { RolloutPlan, RolloutTarget } from '../rollout.ts'

/* Of which other applications a plan is to get objects: it waits there until they have let go of them. */

export interface GiversDeps {
  readonly state: Pick<LedgerState, 'assignments' | 'good'>
  readonly fleet: Pick<Fleet, 'applications'>
  readonly contents: Pick<Contents, 'applications' | 'skipped'>
  /** Whether two manifests name the same objects, as far as that is known. */
  readonly isAlike: (one: Digest, other: Digest) => boolean
  /** @throws HubError `content_missing` when it cannot be had */
  readonly read: (cluster: string, digest: Digest) => Promise<ManifestObjects>
}

/** What an application has on a cluster and is to have there, by Git: other objects. */
interface Turning {
  readonly application: string
  readonly has: Digest
  readonly next: Digest | null
}

export type FindGivers = (
  application: string,
  targets: RolloutPlan['targets'],
) => Promise<RolloutPlan['targets']>

/** Manifests are read only where another application of the cluster is to have other objects than it has. */
export function createGivers(deps: GiversDeps): FindGivers {
  const { state, isAlike } = deps

  const turning = new Map<string, readonly Turning[]>()
  /** Looked at only where somebody gets objects, and once for all that do in this round. */
  function turningOn(cluster: string): readonly Turning[] {
    const known = turning.get(cluster) ?? listTurning(deps, cluster)
    turning.set(cluster, known)
    return known
  }

  async function listGivers(
    cluster: string,
    next: Digest,
    known: readonly (Digest | undefined)[],
    others: readonly Turning[],
  ): Promise<RolloutTarget['from']> {
    const spell = async (digest: Digest | null | undefined): Promise<ReadonlySet<string>> =>
      digest ? (await deps.read(cluster, digest)).spellings : none
    const own = await Promise.all(known.map(spell))
    const coming = [...(await spell(next))].filter(
      (id) => isTelling(id) && !own.every((ids) => ids.has(id)),
    )
    const from: Record<string, Digest> = {}
    for (const { application, has, next: after } of coming.length > 0 ? others : []) {
      const [had, kept] = [await spell(has), await spell(after)]
      if (coming.some((id) => had.has(id) && !kept.has(id))) from[application] = has
    }
    return Object.keys(from).length > 0 ? from : undefined
  }

  return async (application, targets) => {
    const alike = new Map<string, Promise<RolloutTarget['from']>>()
    const found: Record<string, RolloutTarget> = {}
    for (const [cluster, target] of Object.entries(targets)) {
      found[cluster] = target
      const { digest: next } = target
      if (next === null) continue
      // What it was given since may have let go of what it had when it was good: a revert gets that again.
      const known = [state.good, state.assignments].map(
        (has) => has.get(cluster)?.get(application)?.digest ?? undefined,
      )
      if (known.every((has) => has && (has === next || isAlike(has, next)))) continue
      const others = turningOn(cluster).filter((one) => one.application !== application)
      if (others.length === 0) continue
      const key = JSON.stringify([next, known, others])
      const listed = alike.get(key) ?? listGivers(cluster, next, known, others).catch(passMissing)
      alike.set(key, listed)
      const from = await listed
      if (from) found[cluster] = { ...target, from }
    }
    return found
  }

  function passMissing(error: unknown): undefined {
    if (error instanceof HubError && error.code === 'content_missing') return undefined
    throw error
  }
}

const none: ReadonlySet<string> = new Set()

/** What cannot be rendered, or is suspended, stays as it is; so does what selects nobody. */
function listTurning(
  { state, fleet, contents: { applications, skipped }, isAlike }: GiversDeps,
  cluster: string,
): Turning[] {
  const found: Turning[] = []
  for (const [application, { digest: has }] of state.assignments.get(cluster) ?? []) {
    if (has === null) continue
    const made = applications.get(application)
    const next = made?.get(cluster)?.digest ?? null
    if (next !== null && (next === has || isAlike(next, has))) continue
    if (fleet.applications.has(application) && !made?.size) continue
    if (skipped.get(application)?.has(cluster)) continue
    found.push({ application, has, next })
  }
  return found
}

/** Kinds that live in no namespace, and that applications of several namespaces may hand on. */
const clusterWide = new Set([
  ...['ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition', 'APIService'],
  ...['StorageClass', 'PersistentVolume', 'PriorityClass', 'IngressClass', 'RuntimeClass'],
  ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'],
])

/**
 * Whether an id names one object, whoever names it: without a namespace it may be two of two namespaces. A
 * Namespace belongs to all that ask for it.
 */
function isTelling(id: string): boolean {
  const { group, kind, namespace } = parseObjectId(id)
  if (group === '' && kind === 'Namespace') return false
  return namespace !== '' || clusterWide.has(kind)
}
