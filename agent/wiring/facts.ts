import type { AgentDeps } from '../deps.ts'
import type { Cluster } from '../cluster/port.ts'

const everyMs = 5 * 60_000
/** After definitions were applied: they are served a moment later. */
const afterMs = [2_000, 20_000]

type Facts = ReturnType<AgentDeps['facts']>

/** What the cluster is, read now and then, and soon after something new was defined in it. */
export async function openFacts(
  cluster: Cluster,
  every: AgentDeps['every'],
  signal: AbortSignal,
): Promise<{
  readonly read: () => Facts
  /** The cluster, watched for what changes its facts. */
  readonly cluster: Cluster
  listen(onRead: () => void): void
  close(): void
}> {
  let tell = (): void => {}
  let facts: Facts = await cluster.facts(signal).catch(() => ({ kubernetesVersion: '', nodes: 0 }))
  const timers = new Set<NodeJS.Timeout>()
  const reread = async (): Promise<void> => {
    facts = await cluster.facts(signal).catch(() => facts)
    tell()
  }
  const stop = every(everyMs, () => void reread())
  function rereadSoon(): void {
    if (timers.size > 0) return
    for (const ms of afterMs) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        void reread()
      }, ms)
      timers.add(timer.unref())
    }
  }
  return {
    read: () => facts,
    cluster: {
      ...cluster,
      forgetResources() {
        cluster.forgetResources()
        rereadSoon()
      },
    },
    listen(onRead) {
      tell = onRead
    },
    close() {
      stop()
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
