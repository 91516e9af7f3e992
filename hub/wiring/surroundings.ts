import type { HubConfig } from '../config.ts'
import type { HubErrorCode } from '../errors.ts'
import type { RunProgram } from '../fork-server/run.ts'
import type { Lifetime } from '../lifetime.ts'
import type { Log } from '../log.ts'

/** What every part of the hub is started with. */
export interface Surroundings {
  readonly config: HubConfig
  readonly log: Log
  /** Owns what is started, and stops it in reverse. */
  readonly started: Lifetime
  /** Fires when the hub is asked to end. */
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly startedAt: number
  /** Runs Git. */
  readonly run: RunProgram
  /** Digest of the code that runs; undefined where it runs from its sources. */
  readonly build?: string | undefined
  /** Roles of other processes that cannot be reached now, by what their absence is called. */
  readonly away: Set<HubErrorCode>
}

/** How long live streams and requests may take to end. */
export const drainMs = 5_000

export interface RunningHub {
  stop(): Promise<void>
  /** Another hub leads by now: this one can decide nothing, and has to start again. */
  readonly lost?: Promise<void>
}
