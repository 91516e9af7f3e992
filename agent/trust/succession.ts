import type { Snapshot } from '@groundswell/proto/statement.ts'

/** Where an agent was; of a sequence whose snapshot it does not hold, no digest. */
interface Before {
  readonly epoch: number
  readonly sequence: number
  readonly snapshotDigest: string
}

/** How a snapshot that was accepted follows the one before it. */
export interface Succession {
  /** Snapshots that were signed meanwhile and never came here: no fault, the newest has it all. */
  readonly missed: number
  /**
   * The next in turn names another one before it than was accepted here: two were signed for one
   * sequence (T3), and the signer knows of the other. What was accepted may be a stolen key's work.
   */
  readonly forked: boolean
}

/** Of a snapshot that was verified; it is applied in any case, being the newest that the signer has. */
export function judgeSuccession(
  { epoch, sequence, previous }: Pick<Snapshot, 'epoch' | 'sequence' | 'previous'>,
  before: Before,
): Succession {
  // A new epoch begins its sequence anew, and so does an agent that has nothing.
  if (epoch !== before.epoch || before.sequence === 0) return { missed: 0, forked: false }
  const missed = Math.max(0, sequence - before.sequence - 1)
  const follows = sequence === before.sequence + 1 && before.snapshotDigest !== ''
  return { missed, forked: follows && previous !== before.snapshotDigest }
}
