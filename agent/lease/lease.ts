/** Who runs the agent of this cluster, as the Lease in its namespace says. */
export interface LeaseRecord {
  /** Empty when nobody does. */
  readonly holder: string
  /** Of the holder's program. */
  readonly version: string
  /** Who was relieved by proof, newest last: they do not take it back from one that lives. */
  readonly relieved: readonly string[]
}

/** What somebody who is not running yet does. */
export type Turn =
  /** Nobody holds it, or nobody that lives. */
  | 'take'
  /** Another one lives: to be relieved only by one that has shown it can do the work. */
  | 'prove'
  /** It was relieved itself: it stands by until the one that did so is gone. */
  | 'stand-by'

/** A holder that has not been heard of for so long is gone. */
export const leaseMs = 15_000
export const renewMs = 5_000
/** A Deployment has one or two pods; more are remembered so that none takes turns with another. */
const relievedAtMost = 16

/** `silentMs`: for how long, by our own clock that nobody sets, the Lease has not changed. */
export function judgeLease(record: LeaseRecord, me: string, silentMs: number): Turn {
  if (record.holder === '' || record.holder === me || silentMs >= leaseMs) return 'take'
  return record.relieved.includes(me) ? 'stand-by' : 'prove'
}

/** The Lease once `me` has it. */
export function takeLease(record: LeaseRecord, me: string, version: string): LeaseRecord {
  const others = record.relieved.filter((one) => one !== me && one !== record.holder)
  const before = record.holder === '' || record.holder === me ? [] : [record.holder]
  return { holder: me, version, relieved: [...others, ...before].slice(-relievedAtMost) }
}
