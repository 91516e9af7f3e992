import type { Fleet } from '../fleet.ts'

/** A fleet without faults, and the tree of files it was read from. */
export interface KnownFleet {
  readonly tree: string
  readonly fleet: Fleet
}

/**
 * What was read last, for the process that comes next: a thousand files take half a second to read, in which
 * a hub that has just started lets fewer agents in. It is a convenience; without it all is read again.
 */
export interface FleetMemory {
  recall(): Promise<KnownFleet | undefined>
  /** Never fails: what cannot be kept is read again. */
  keep(known: KnownFleet): Promise<void>
}
