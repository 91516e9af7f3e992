import type { RunChange } from './change.ts'
import type { RolloutPlan, RolloutRun } from '../rollout.ts'

export interface StoredRollout {
  readonly plan: RolloutPlan
  readonly run: RolloutRun
}

/** How a compare-and-swap went: done, the store knows less than we do, or somebody was faster. */
export type Swap = 'done' | 'behind' | 'lost'

export interface RolloutQuery {
  readonly application?: string
  /** Only rollouts that have not ended. */
  readonly active?: boolean
  /** At most this many, newest first. */
  readonly limit: number
  /** `next` of the page before. */
  readonly after?: string
}

/** Rollouts in a shared store; all of it can be rebuilt from the ledger. */
export interface RolloutStore {
  get(id: string): Promise<StoredRollout | undefined>
  /** Writes plan and run unless a newer version of the run is there. */
  put(rollout: StoredRollout): Promise<void>
  /** Moves the run on by what changed, when the store holds exactly the version before it. */
  swap(plan: RolloutPlan, run: RolloutRun, change: RunChange): Promise<Swap>
  list(query: RolloutQuery): Promise<{
    readonly rollouts: readonly StoredRollout[]
    readonly next: string | null
  }>
  /** False when the store lost everything since `mark`. */
  isMarked(): Promise<boolean>
  mark(): Promise<void>
}

/** Alarm clocks, one for each wave; they may go off late, early or twice. */
export interface WakeUps {
  /** Rings for this wave at `at` (milliseconds), instead of whenever it was to ring before. */
  set(rollout: string, wave: number, at: number): Promise<void>
  clear(rollout: string, wave: number): Promise<void>
  /** Calls again every `ms` until stopped, whether anything is set or not; not kept anywhere. */
  repeat(ms: number, run: () => void): () => void
  /** Says whom to wake. */
  listen(wake: (rollout: string) => Promise<void>): void
  close(): Promise<void>
}
