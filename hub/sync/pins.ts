import type { CertificateNumber } from './serial-number.ts'

/**
 * The only certificates of a cluster that pass: the one in use, and the one that will be. Kept in
 * Redis. When that was lost, the chain and the series still hold, and the highest generation that
 * comes is taken for the one in use: generations are inside the certificates, so nobody makes one up.
 */
export interface Pins {
  readonly series: number
  readonly serial: string
  readonly generation: number
  /** Digest of the key it is for, where that was renewed here. */
  readonly key?: string
  readonly next: {
    readonly serial: string
    readonly generation: number
    /** Digest of the key it is for. */
    readonly key: string
  } | null
}

export interface PinStore {
  /** With the text to give to `replace`, null when there are none. */
  get(clusterId: string): Promise<{ readonly pins: Pins; readonly was: string } | undefined>
  /** False when they changed since they were read. */
  replace(clusterId: string, was: string | null, pins: Pins): Promise<boolean>
}

export type Admission =
  /** `pins`: to be written first, when they change by it. */
  { readonly admitted: true; readonly pins: Pins | null } | { readonly admitted: false }

/** Whether a certificate of the right series passes; its first use makes it the one in use. */
export function admitCertificate(
  pins: Pins | undefined,
  { series, generation, serial }: CertificateNumber,
): Admission {
  const inUse = { series, serial, generation, next: null }
  if (!pins || pins.series !== series) return { admitted: true, pins: inUse }
  if (serial === pins.serial) return { admitted: true, pins: null }
  if (serial === pins.next?.serial) {
    return { admitted: true, pins: { ...inUse, key: pins.next.key } }
  }
  const newest = Math.max(pins.generation, pins.next?.generation ?? 0)
  return generation > newest ? { admitted: true, pins: inUse } : { admitted: false }
}

export type RenewalPlan =
  | { readonly kind: 'issue'; readonly generation: number }
  /** Asked for before, on a stream that was slower than the one that was answered. */
  | { readonly kind: 'late' }
  /** Two agents hold the key. */
  | { readonly kind: 'lock'; readonly reason: string }

const lastGeneration = 2 ** 32 - 1

/**
 * A generation is renewed once. Asking again for the same new key is an answer that got lost, or comes
 * late where the answer has arrived by another stream; for another key it is a second agent, and so is
 * a generation that was renewed already.
 */
export function planRenewal(pins: Pins, generation: number, key: string): RenewalPlan {
  const { next } = pins
  if (generation === pins.generation - 1 && key === pins.key) return { kind: 'late' }
  if (generation !== pins.generation || generation >= lastGeneration) {
    const reason = `generation ${generation} of its certificate was renewed although ${pins.generation} is in use`
    return { kind: 'lock', reason: `two agents share one identity: ${reason}` }
  }
  if (next && next.key !== key) {
    const reason = `generation ${generation} of its certificate was renewed twice`
    return { kind: 'lock', reason: `two agents share one identity: ${reason}` }
  }
  return { kind: 'issue', generation: generation + 1 }
}
