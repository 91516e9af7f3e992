import type { LedgerState } from '../../../../hub/ledger/replay.ts'
import type { Handovers } from '../../../../hub/rollout/handover/handover.ts'
import type { Assignment, ClusterObservation } from '../../../../hub/rollout/rollout.ts'
import { clusters } from './several-git.ts'

/* What agents run and have said of it, whichever hub leads; and whether they are there. */

type Told = Pick<Assignment, 'digest' | 'generation'> & {
  readonly well: boolean
  /** When it was said, in milliseconds. */
  readonly at: number
}

export function createAgents() {
  const links = new Map(clusters.map((name) => [name as string, { connected: true, since: 0 }]))
  /** By cluster, then application. */
  const told = new Map<string, Map<string, Told>>(clusters.map((name) => [name, new Map()]))

  return {
    isConnected: (cluster: string): boolean => links.get(cluster)!.connected,
    told: (cluster: string, application: string) => told.get(cluster)!.get(application),
    connect(cluster: string, connected: boolean, now: number): void {
      if (links.get(cluster)!.connected !== connected) links.set(cluster, { connected, since: now })
    },
    /** @param heardSince when the hub that asks began, in milliseconds */
    observe(
      cluster: string,
      application: string,
      heardSince: number,
    ): Pick<ClusterObservation, 'connected' | 'since' | 'application'> {
      const { connected, since } = links.get(cluster)!
      const one = told.get(cluster)!.get(application)
      // What was said before it was away is of another time.
      const isKnown = one && !(connected && one.at < since)
      const phase = !one?.well ? 'Failed' : one.digest ? 'Applied' : 'Removed'
      const health = one?.well ? 'Current' : 'Failed'
      return {
        ...{ connected, since: Math.max(since, heardSince) },
        application: isKnown
          ? { digest: one.digest, generation: one.generation, phase, health, message: '' }
          : null,
      }
    },
    /** One takes what it is sent, and says how all of it is. */
    report(
      { state, handovers }: { readonly state: LedgerState; readonly handovers: Handovers },
      cluster: string,
      sick: string | null,
      now: number,
    ): void {
      const { connected, since } = links.get(cluster)!
      if (!connected) return
      const before = told.get(cluster)!
      // Whoever is back says first what it ran all the while.
      for (const [application, one] of before) {
        before.set(application, { ...one, at: Math.max(one.at, since) })
      }
      const mine = [...(state.assignments.get(cluster)?.values() ?? [])]
      for (const one of mine) handovers.look(one.application).awaits(cluster)
      const sendable = handovers.listSendable(cluster, mine)
      const listed = handovers.listTogether(cluster, sendable, (name) => before.get(name))
      if (listed === 'wait') return
      for (const { application, digest, generation } of listed) {
        before.set(application, { digest, generation, well: application !== sick, at: now })
      }
    },
  }
}
