import type { Cluster } from '../../agent/cluster/port.ts'
import { AgentError, type AgentErrorCode } from '../../agent/errors.ts'

/** When faults come, and how many came. */
export interface Storm {
  on: boolean
  faults: number
}

/** How often a call fails while a storm is on, in all and of each kind. */
const rates = { lost: 0.08, unanswered: 0.08, refused: 0.1, watch: 0.05 } as const
const refusals: Readonly<Record<'apply' | 'delete', readonly AgentErrorCode[]>> = {
  // A webhook that denies, rights that are gone, another manager, a field that cannot change or an object too large.
  apply: ['apply_failed', 'apply_forbidden', 'apply_conflict', 'apply_invalid'],
  delete: ['prune_failed', 'prune_refused'],
}

/**
 * A cluster whose API server fails while a storm is on: it is not reached, it does what it was asked
 * and its answer is lost, or it refuses what it will take a moment later. Watches end or break with
 * what they were about to tell, which comes with the next list.
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
  async function* watch(...args: Parameters<Cluster['watch']>): ReturnType<Cluster['watch']> {
    const [resource, label, signal] = args
    const dead = new AbortController()
    try {
      const either = AbortSignal.any([signal, dead.signal])
      for await (const event of cluster.watch(resource, label, either)) {
        if (!storm.on || random() >= rates.watch) {
          yield event
          continue
        }
        storm.faults += 1
        // One that ends says so by ending; one that breaks, by an error.
        if (random() < 0.5) return
        throw new AgentError('cluster_unreachable', 'storm: the watch broke')
      }
    } finally {
      dead.abort()
    }
  }
  const faulty: Cluster = {
    ...cluster,
    resource: (...args) => call(() => cluster.resource(...args)),
    servedAs: (...args) => call(() => cluster.servedAs(...args)),
    get: (...args) => call(() => cluster.get(...args)),
    apply: (...args) => call(() => cluster.apply(...args), refusals.apply),
    delete: (...args) => call(() => cluster.delete(...args), refusals.delete),
    disown: (...args) => call(() => cluster.disown(...args), refusals.apply),
    watch,
    as: () => faulty,
  }
  return faulty
}
