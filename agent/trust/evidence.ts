import { digestOf } from '@groundswell/proto/digest.ts'
import { envelopeLimits } from '@groundswell/proto/envelope.ts'
import { readEnvelope } from './signature.ts'
import type { TrustState } from './state.ts'

/**
 * Two signed statements that name different snapshots for one sequence (T3): whoever holds the
 * online keys said two things. Anybody with the root statement can check it.
 */
export interface Evidence {
  /** The snapshot that was accepted. */
  readonly accepted: Uint8Array
  /** The snapshot or freshness statement that contradicts it. */
  readonly refused: Uint8Array
}

/** Where evidence outlives the agent. */
export interface EvidenceStore {
  load(): Promise<readonly Evidence[]>
  save(evidence: readonly Evidence[]): Promise<void>
}

/** The newest are kept; one is as good as many. */
export const evidenceLimit = 3

/** A statement that was refused as equivocation, with what it contradicts when that is at hand. */
export function evidenceOf(state: TrustState, refused: Uint8Array): Evidence | undefined {
  const { envelope: accepted, snapshotDigest } = state
  if (!accepted || refused.byteLength > envelopeLimits.bytes.snapshot) return undefined
  const { payload } = readEnvelope(accepted, 'snapshot')
  if (digestOf(Buffer.from(payload, 'base64url')) !== snapshotDigest) return undefined
  return { accepted, refused }
}

/** Newest last; the same once. */
export function addEvidence(known: readonly Evidence[], found: Evidence): readonly Evidence[] {
  const others = known.filter(
    ({ accepted, refused }) =>
      Buffer.compare(accepted, found.accepted) !== 0 ||
      Buffer.compare(refused, found.refused) !== 0,
  )
  return [...others, found].slice(-evidenceLimit)
}
