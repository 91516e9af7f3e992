import type { Digest } from '@groundswell/proto/digest.ts'
import type { Workloads } from '../../agent/agent.ts'
import type { ApplicationState } from '../../agent/observe/status.ts'
import type { ContentCache } from '../../agent/trust/state.ts'
import type { VerifiedApplication } from '../../agent/trust/verified.ts'
import { createMemoryCache } from '../support/memory-stores.ts'

/**
 * Stands where an agent's cluster would be: what was verified counts as applied and healthy at
 * once, and nothing is written anywhere (fidelity C). Link, verification and reports are the agent's.
 */
export function createStubWorkloads(
  onChange: (states: readonly ApplicationState[]) => void,
): Workloads & {
  readonly unrest: (words: string) => void
  /** Objects of whatever was told to be other than what ran: what a cluster would have been written. */
  readonly countWrites: () => number
} {
  let states: readonly ApplicationState[] = []
  let writes = 0
  return {
    states: () => states,
    countWrites: () => writes,
    /** One object of each application is not ready, and says why. */
    unrest(words) {
      states = states.map((state) => ({
        ...state,
        health: 'InProgress',
        readyObjects: Math.max(0, state.objects - 1),
        unhealthy: [{ object: '/ConfigMap/web/busy', health: 'InProgress', message: words }],
      }))
      onChange(states)
    },
    async reconcile(snapshot) {
      const before = new Map(states.map((state) => [state.application, state]))
      states = snapshot.applications.map(toState)
      for (const { application, manifestDigest, objects } of states) {
        const ran = before.get(application)
        if (ran?.manifestDigest !== manifestDigest) writes += Math.max(objects, ran?.objects ?? 0)
      }
      onChange(states)
    },
  }
}

function toState(application: VerifiedApplication): ApplicationState {
  const { name, generation } = application
  const present = application.state === 'present'
  const objects = present ? application.manifest.objects.length : 0
  return {
    application: name,
    manifestDigest: present ? application.manifestDigest : null,
    generation,
    phase: present ? 'Applied' : 'Removed',
    health: 'Current',
    objects,
    readyObjects: objects,
    unhealthy: [],
    errors: [],
    drift: [],
    driftedObjects: 0,
    healed: 0,
  }
}

/**
 * A cache for each of many agents that share one copy of what they hold. Each writes only what its
 * own session has checked against its digest, so what is shared is what each of them was sent.
 */
export function createSharedCaches(): () => ContentCache {
  const copies = new Map<Digest, Uint8Array>()
  return () => {
    const cache = createMemoryCache()
    return {
      ...cache,
      write(digest, bytes) {
        const copy = copies.get(digest) ?? Uint8Array.from(bytes)
        copies.set(digest, copy)
        return cache.write(digest, copy)
      },
    }
  }
}
