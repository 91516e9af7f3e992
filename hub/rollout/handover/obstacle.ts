import { findStop } from '../step/failure.ts'
import { isInFlight } from '../step/outcome.ts'
import type { RolloutPlan, RolloutRun } from '../rollout.ts'
import type { Coming, ComingDeps, WhatComes } from './coming.ts'
import type { createKept } from './kept.ts'

/* Why an application cannot be offered to a cluster yet: somebody has not let go, and could not do so now. */

export type ObstacleDeps = Pick<ComingDeps, 'isFree'> &
  Pick<WhatComes, 'findComing'> &
  ReturnType<typeof createKept>

export function createObstacles({ isFree, findComing, listHolders, findKept }: ObstacleDeps) {
  /** A run is another object whenever it has moved; it is asked about once for each of its clusters. */
  const inFlight = new WeakMap<RolloutRun, number>()
  function countInFlight(run: RolloutRun): number {
    const count = inFlight.get(run) ?? Object.values(run.clusters).filter(isInFlight).length
    inFlight.set(run, count)
    return count
  }

  /** Why an application could not be offered to a cluster now, but for what is to come there with it; null if it could. */
  function findHindrance({ plan, run }: Coming, cluster: string): string | null {
    const wave = plan.waves.findIndex(({ clusters }) => clusters.includes(cluster))
    const isOpen = wave < run.wave || (wave === run.wave && run.waveStartedAt !== null)
    if (run.phase === 'Planned') return 'it has not been started'
    if (run.phase !== 'Progressing') return `it is ${run.phase.toLowerCase()}`
    if (!isOpen) return `its wave ${plan.waves[wave]?.name} has not begun`
    if (run.clusters[cluster]?.state !== 'Pending') return 'it has passed the cluster over'
    if (findStop(plan, run.clusters)) return 'its failures stop it'
    if (countInFlight(run) >= plan.waves[run.wave]!.maxConcurrent) return 'its slots are taken'
    return isFree(plan.application, cluster) ? null : 'something holds it back there'
  }

  /**
   * The first application that keeps a plan from a cluster: one that has not let go of what it is to get
   * and could not do so now. All that come together have to be ready, also where some are on their way already:
   * or two such circles would each have what the other waits for.
   */
  function findObstacle(plan: RolloutPlan, cluster: string): string | undefined {
    const kept = findKept(cluster)
    const seen = new Set([plan.application])
    const judge = (one: RolloutPlan, holders: readonly string[]): string | undefined => {
      const from = Object.keys(one.targets[cluster]?.from ?? {})
      for (const name of new Set([...holders, ...from.filter((other) => kept.has(other))])) {
        if (seen.has(name)) continue
        seen.add(name)
        const offered = kept.get(name)
        const coming = offered ? undefined : findComing(name, cluster)
        if (!offered && !(coming && findHindrance(coming, cluster) === null)) return name
        const next = offered ?? { plan: coming!.plan, holders: listHolders(coming!.plan, cluster) }
        const further = judge(next.plan, next.holders)
        if (further !== undefined) return further
      }
      return undefined
    }
    return judge(plan, listHolders(plan, cluster))
  }

  return { findHindrance, findObstacle }
}
