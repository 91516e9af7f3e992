import type { Digest } from '@groundswell/proto/digest.ts'
import type { LedgerState } from '../../../../hub/ledger/replay.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import type { RolloutPlan, RolloutRun } from '../../../../hub/rollout/rollout.ts'

/* What people took back, and until when it is not to come again: said anew from the documentation. */

interface RolledBack {
  readonly digests: ReadonlySet<Digest>
  /** The clusters that it had been for. */
  readonly clusters: readonly string[]
  readonly by: string
}

export interface TakenBackDeps {
  readonly state: LedgerState
  readonly isDeclared: (application: string) => boolean
}

export function createTakenBack({ state, isDeclared }: TakenBackDeps) {
  /** By application and cluster: what was aborted on its way there. */
  const aborted = new Map<string, Set<Digest | null>>()
  /** By application. */
  const bad = new Map<string, readonly RolledBack[]>()

  /** Git asks for it on none of these clusters any more, and what takes it away came to one. */
  function isTakenAway(
    { applications }: Contents,
    application: string,
    all: readonly RolledBack[],
  ): boolean {
    const made = applications.get(application)
    const clusters = all.flatMap((one) => one.clusters)
    const given = state.assignedTo.get(application)
    if (made) {
      // A selection of nobody removes nothing, and one that changed may change back.
      if (made.size === 0 || clusters.some((name) => made.has(name))) return false
      if (clusters.some((name) => given?.get(name)?.digest)) return false
    } else if (isDeclared(application)) return false
    const ids = [...(state.rolloutsOf.get(application) ?? [])]
    const since = Math.max(...all.map(({ by }) => ids.indexOf(by)))
    return clusters.some((name) => {
      const has = given?.get(name)
      if (has?.digest !== null || ids.indexOf(has.rollout) <= since) return false
      return state.plans.get(has.rollout)!.targets[name]!.digest === null
    })
  }

  /** Something was given to clusters. */
  function forgetTakenAway(contents: Contents): void {
    for (const [application, all] of bad) {
      if (isTakenAway(contents, application, all)) bad.delete(application)
    }
  }

  return {
    forgetTakenAway,
    /** Git was read: what it asks no more somewhere may come again once it does. */
    forget(contents: Contents): void {
      const { applications } = contents
      for (const [key, digests] of aborted) {
        const [application, cluster] = key.split(' ') as [string, string]
        const made = applications.get(application)
        if (!made && isDeclared(application)) continue
        const wanted = made?.get(cluster)?.digest ?? null
        for (const digest of digests) if (digest !== wanted) digests.delete(digest)
      }
      for (const [application, all] of bad) {
        const made = applications.get(application)
        if (!made) continue
        const kept = all.filter(({ digests, clusters }) => {
          const wanted = clusters.flatMap((name) => made.get(name)?.digest ?? [])
          return wanted.length === 0 || wanted.some((one) => digests.has(one))
        })
        bad.set(application, kept)
      }
      forgetTakenAway(contents)
    },
    noteAborted({ application, targets }: RolloutPlan, before: RolloutRun): void {
      for (const [name, { digest }] of Object.entries(targets)) {
        const progress = before.clusters[name]
        if (progress?.state === 'Done' && progress.outcome === 'Succeeded') continue
        const key = `${application} ${name}`
        aborted.set(key, (aborted.get(key) ?? new Set()).add(digest))
      }
    },
    noteRolledBack({ application, targets, id }: RolloutPlan): void {
      const digests = new Set(Object.values(targets).flatMap(({ digest }) => digest ?? []))
      const mine = { digests, clusters: Object.keys(targets), by: id }
      bad.set(application, [...(bad.get(application) ?? []), mine])
    },
    /** A person has it start again. */
    forgetAborted({ application, targets }: RolloutPlan): void {
      for (const [name, { digest }] of Object.entries(targets)) {
        aborted.get(`${application} ${name}`)?.delete(digest)
      }
    },
    /** By a person's word. */
    release: (application: string) => void bad.delete(application),
    isAborted: (application: string, cluster: string, digest: Digest | null): boolean =>
      aborted.get(`${application} ${cluster}`)?.has(digest) === true,
    /** The rollout that was rolled back, and had brought this. */
    findRolledBack: (application: string, digest: Digest | null): string | undefined =>
      bad.get(application)?.find(({ digests }) => digest !== null && digests.has(digest))?.by,
  }
}
