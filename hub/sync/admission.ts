import { createCounts } from '../counts.ts'
import { createRateLimit } from './rate-limit.ts'

export interface AdmissionOptions {
  /** TLS handshakes that may be under way at a time; half of it for one address. */
  readonly atOnce: number
  /** Connections a second; half of it for one address. */
  readonly perSecond: number
  /** Connections that may be open at a time. */
  readonly open: number
  /** Of one address; as many as of all when left out. */
  readonly openEach?: number
  readonly clock: () => number
}

/** Why a connection is closed before it cost anything. */
export type Crowd = 'handshakes' | 'rate' | 'open'

/** A connection that was let in. */
export interface Admitted {
  /** Its handshake came to an end, however it ended. */
  settled(): void
  closed(): void
}

/**
 * Decides over connections before TLS: a handshake costs a hub a millisecond or two of work, and
 * whoever opens a socket can ask for one. One address alone cannot shut out all others.
 */
export function createAdmission({
  atOnce,
  perSecond,
  open,
  openEach = open,
  clock,
}: AdmissionOptions) {
  const allow = createRateLimit({ perSecond, perCaller: Math.max(1, perSecond / 2) })
  const perAddress = Math.max(1, Math.ceil(atOnce / 2))
  /** Handshakes under way, by address. */
  const shaking = createCounts()
  /** Connections, by address. */
  const opened = createCounts()
  let handshakes = 0
  let connections = 0

  return {
    admit(address: string): Admitted | Crowd {
      if (connections >= open || opened.of(address) >= openEach) return 'open'
      if (handshakes >= atOnce || shaking.of(address) >= perAddress) return 'handshakes'
      if (!allow(address, clock())) return 'rate'
      connections += 1
      handshakes += 1
      opened.add(address)
      shaking.add(address)
      let state: 'shaking' | 'settled' | 'closed' = 'shaking'

      function settle(): void {
        if (state !== 'shaking') return
        state = 'settled'
        handshakes -= 1
        shaking.take(address)
      }

      return {
        settled: settle,
        closed() {
          settle()
          if (state === 'closed') return
          state = 'closed'
          connections -= 1
          opened.take(address)
        },
      }
    },
    /** Now. */
    get counts() {
      return { handshakes, connections }
    },
  }
}

export type Admission = ReturnType<typeof createAdmission>
