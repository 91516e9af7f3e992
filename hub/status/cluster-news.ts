import { createAllowance } from '../allowance.ts'
import type { HubEvent } from './event.ts'

export interface ClusterNewsDeps {
  readonly emit: (event: HubEvent) => void
  /** Some of a cluster's news is not told; once a minute at most. */
  readonly onFlood: (cluster: string) => void
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
}

/** Of one cluster at once: many applications may fall ill with one node. */
const burst = 1_000
const refillMs = 500
const warnEveryMs = 60_000

/**
 * Tells what was seen of clusters. An agent that was taken over can make news as fast as it can write:
 * that of others would be gone from the log within seconds, and nobody alerted of it. What is said of
 * a cluster and of applications on it is counted apart, so that neither hides the other.
 */
export function createClusterNews({ emit, onFlood, monotonic }: ClusterNewsDeps) {
  const mayTell = createAllowance({ burst, refillMs, monotonic })
  const mayWarn = createAllowance({ burst: 1, refillMs: warnEveryMs, monotonic })

  return function tell(cluster: string, events: readonly HubEvent[]): void {
    for (const event of events) {
      const [kind] = event.subject.split('/', 1)
      if (mayTell(`${cluster}/${kind}`)) emit(event)
      else if (mayWarn(cluster)) onFlood(cluster)
    }
  }
}
