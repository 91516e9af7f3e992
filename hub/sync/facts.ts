import { areFacts, factsDigest, type ToldFacts } from '@groundswell/proto/facts.ts'
import { createAllowance } from '../allowance.ts'
import { toServedApis } from '../fleet/resolve/cluster-facts.ts'
import type { Decision } from '../ledger/entry.ts'
import { nameReported, type Reported } from '../ledger/facts.ts'

export interface FactsDeps {
  readonly state: Reported
  /** To the ledger: what is rendered of it must be known after a restart, too. */
  readonly append: (decisions: readonly Decision[]) => Promise<unknown>
  /** What was written: charts may render to something else. */
  readonly onChange: () => void
  readonly log: (message: string, fields: object) => void
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
  /** Calls back after `ms`; given in, so that tests own time. */
  readonly later: (ms: number, run: () => void) => void
}

/** What a fleet tells when it comes back at once is written as one. */
const gatherMs = 500
/** A cluster's facts change this often in this time at most; then the last word waits. */
const [changesAtMost, withinMs] = [5, 25 * 60_000]
const retryMs = 10_000
/** What an agent says that is of no use is told of this often; it can say it a thousand times a second. */
const warnEveryMs = 60_000

/** Takes what agents tell of their clusters into the ledger. */
export function createFactsTaking(deps: FactsDeps) {
  const waiting = new Map<string, ToldFacts>()
  /** When a cluster's facts were written, the last few times. */
  const written = new Map<string, readonly number[]>()
  const mayWarn = createAllowance({
    burst: 1,
    refillMs: warnEveryMs,
    monotonic: deps.monotonic,
  })
  let isDue = false
  let writing = false

  function schedule(ms: number): void {
    if (isDue) return
    isDue = true
    deps.later(ms, () => {
      isDue = false
      void write()
    })
  }

  function dueAt(cluster: string): number {
    const times = written.get(cluster) ?? []
    return times.length < changesAtMost ? 0 : times[0]! + withinMs
  }

  async function write(): Promise<void> {
    if (writing) return schedule(gatherMs)
    writing = true
    const now = deps.monotonic()
    const ready = [...waiting].filter(([cluster]) => dueAt(cluster) <= now)
    const told = new Set<string>()
    const decisions = ready.map(([cluster, { kubernetesVersion, apis }]): Decision => {
      const { digest, names } = toServedApis(apis)
      const isKnown = deps.state.apis.has(digest) || told.has(digest)
      told.add(digest)
      return {
        ...{ type: 'facts.reported', cluster, kubernetesVersion, apis: digest },
        ...(!isKnown && { names }),
      }
    })
    try {
      if (decisions.length > 0) {
        await deps.append(decisions)
        for (const [cluster, facts] of ready) {
          if (waiting.get(cluster) === facts) waiting.delete(cluster)
          written.set(cluster, [...(written.get(cluster) ?? []), now].slice(-changesAtMost))
        }
        deps.onChange()
      }
    } catch (err) {
      deps.log('what agents told of their clusters was not written yet', { err })
      schedule(retryMs)
    } finally {
      writing = false
    }
    const next = Math.min(...[...waiting.keys()].map(dueAt))
    if (waiting.size > 0) schedule(Math.max(gatherMs, next - now))
  }

  return {
    /** What the hub has of a cluster, by the name that its agent gives it; empty for nothing. */
    known: (cluster: string): string => nameReported(deps.state, cluster),

    take(cluster: string, { kubernetesVersion, apis }: ToldFacts): void {
      const facts = { kubernetesVersion, apis: [...apis] }
      if (!areFacts(facts)) {
        if (mayWarn(cluster)) deps.log('an agent told facts that are none', { cluster })
        return
      }
      if (factsDigest(facts) === nameReported(deps.state, cluster)) {
        waiting.delete(cluster)
        return
      }
      waiting.set(cluster, facts)
      schedule(gatherMs)
    },
  }
}

export type FactsTaking = ReturnType<typeof createFactsTaking>
