import type { Cluster } from '../../agent/cluster/port.ts'
import { AgentError, type AgentErrorCode } from '../../agent/errors.ts'

/** When faults come, and how many came. */
export interface Storm {
  on: boolean
  faults: number
}

/** How often a call fails while a storm is on, in all and of each kind. */
const rates = { lost: 0.08, unanswered: 0.08, refused: 0.1 } as const
const refusals: Readonly<Record<'apply' | 'delete', readonly AgentErrorCode[]>> = {
  // A webhook that denies, rights that are gone, another manager.
  apply: ['apply_failed', 'apply_forbidden', 'apply_conflict'],
  delete: ['prune_failed', 'prune_refused'],
}

/**
 * A cluster whose API server fails while a storm is on: it is not reached, it does what it was asked
 * and its answer is lost, or it refuses what it will take a moment later.
 */
export function createFaultyCluster(cluster: Cluster, random: () => number, storm: Storm): Cluster {
  const fault = (code: AgentErrorCode): AgentError => {
    storm.faults += 1
    return new AgentError(code, `storm: ${code}`)
  }
  async function call<T>(run: () => Promise<T>, codes: readonly AgentErrorCode[] = []): Promise<T> {
    if (!storm.on) return run()
    const drawn = random()
    if (drawn < rates.lost) throw fault('cluster_unreachable')
    if (drawn < rates.lost + rates.unanswered) {
      await run()
      throw fault('cluster_unreachable')
    }
    const code = codes[Math.floor(random() * codes.length)]
    if (code && drawn < rates.lost + rates.unanswered + rates.refused) throw fault(code)
    return run()
  }
  const faulty: Cluster = {
    ...cluster,
    resource: (...args) => call(() => cluster.resource(...args)),
    get: (...args) => call(() => cluster.get(...args)),
    apply: (...args) => call(() => cluster.apply(...args), refusals.apply),
    delete: (...args) => call(() => cluster.delete(...args), refusals.delete),
    disown: (...args) => call(() => cluster.disown(...args), refusals.apply),
    as: () => faulty,
  }
  return faulty
}
