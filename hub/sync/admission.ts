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
  /** Handshakes under way, by address: never more entries than handshakes. */
  const shaking = new Map<string, number>()
  /** Connections, by address: never more entries than connections. */
  const opened = new Map<string, number>()
  let handshakes = 0
  let connections = 0

  return {
    admit(address: string): Admitted | Crowd {
      if (connections >= open || (opened.get(address) ?? 0) >= openEach) return 'open'
      const mine = shaking.get(address) ?? 0
      if (handshakes >= atOnce || mine >= perAddress) return 'handshakes'
      if (!allow(address, clock())) return 'rate'
      connections += 1
      handshakes += 1
      addTo(opened, address, 1)
      addTo(shaking, address, 1)
      let state: 'shaking' | 'settled' | 'closed' = 'shaking'

      function settle(): void {
        if (state !== 'shaking') return
        state = 'settled'
        handshakes -= 1
        addTo(shaking, address, -1)
      }

      return {
        settled: settle,
        closed() {
          settle()
          if (state === 'closed') return
          state = 'closed'
          connections -= 1
          addTo(opened, address, -1)
        },
      }
    },
    /** Now. */
    get counts() {
      return { handshakes, connections }
    },
  }
}

function addTo(counts: Map<string, number>, address: string, change: 1 | -1): void {
  const count = (counts.get(address) ?? 0) + change
  if (count > 0) counts.set(address, count)
  else counts.delete(address)
}

export type Admission = ReturnType<typeof createAdmission>
