import type { ChainHead } from '../ledger/chain.ts'

/** A lease so many terms on is of somebody's hand: each lead is one, and a term that no number can follow ends them. */
export const farTerms = 1_000_000

/** What replicas see of each other at one moment. */
export interface Sight {
  /** Who leads or led last; null where nobody has since Redis was empty. */
  readonly lease: {
    readonly holder: string
    readonly term: number
    /** Milliseconds it still holds; 0 once it is over. */
    readonly left: number
  } | null
  /** Newest entry that was appended in common; null where Redis holds none. */
  readonly head: ChainHead | null
  /** Lines that follow the caller's own newest one, as far as they are at hand. */
  readonly lines: readonly string[]
}

/** A process of a replica, with where its own ledger ends. */
export interface Self {
  /** Never used before: a replica that was started again is another one. */
  readonly holder: string
  readonly end: ChainHead
}

export interface Taking extends Self {
  readonly term: number
  /** The common head as it was seen, which the caller's own ledger holds; null for none. */
  readonly seen: ChainHead | null
  /** The newest lines of the caller's own ledger. */
  readonly lines: readonly string[]
}

/** `behind`: a live replica has more entries. `moved`: something changed since it was looked at. */
export type Taken = 'taken' | 'held' | 'behind' | 'moved'

export interface Appended {
  readonly holder: string
  readonly term: number
  readonly from: ChainHead
  readonly to: ChainHead
  readonly lines: readonly string[]
}

/**
 * The lease and the newest entries, where all replicas see them. Each call is one step for
 * everybody. @throws HubError `redis_unavailable`
 */
export interface SharedLedger {
  /** Says that the caller lives, and looks. */
  look(self: Self): Promise<Sight>
  /** Takes the lease, or its own one again, and makes the caller's ledger the common one. */
  take(taking: Taking): Promise<Taken>
  /** `lost` when another leads by now, or Redis was emptied. */
  renew(self: Self, term: number): Promise<'held' | 'lost'>
  /** `done` for what was appended already by the same call. */
  append(appended: Appended): Promise<'done' | 'fenced' | 'moved'>
  /** Lays out lines after an index, for a replica that the common ones reach no more. */
  layOut(after: number, lines: readonly string[]): Promise<void>
  /** Where the ledger ends of the live replica that is furthest behind; null with nobody live. */
  furthestBehind(self: Self): Promise<number | null>
}
