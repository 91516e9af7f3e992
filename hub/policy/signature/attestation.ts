import { CelError, type CelProgram, type TimeBound } from '@groundswell/proto/cel.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { parseJson } from './cosign.ts'

/* Attestations: statements of in-toto about an image, in a signed envelope (DSSE).
   https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */

/** An attestation that an image must have; it stands in place of a signature. */
export interface WantedAttestation {
  /** `https://slsa.dev/provenance/v1`, exactly. */
  readonly predicateType: string
  /** All must hold of each such attestation that is signed as it must be. */
  readonly conditions: readonly CelProgram[]
  /** Whoever asks judges the statements by itself, so they are given each time. */
  readonly keeps?: boolean
}

/** Bytes of one attestation: a list of all that is in an image is large. */
export const attestationBytes = 8 * 1024 * 1024

/** As cosign keeps them beside `attestationTag`. */
export const envelopeType = 'application/vnd.dsse.envelope.v1+json'

/** The statement in an envelope, unread; undefined when it is none. */
export function readStatement(envelope: unknown): Uint8Array | undefined {
  const payload = isRecord(envelope) ? envelope['payload'] : undefined
  return typeof payload === 'string' ? Buffer.from(payload, 'base64') : undefined
}

/**
 * Why statements are not what is wanted; undefined when all are. One that cannot be asked is not.
 */
export function findUnmet(
  { predicateType, conditions }: WantedAttestation,
  statements: readonly Uint8Array[],
  within: TimeBound,
): string | undefined {
  if (conditions.length === 0) return undefined
  for (const bytes of statements) {
    const statement = parseJson(bytes)
    const predicate = isRecord(statement) ? statement['predicate'] : undefined
    for (const condition of conditions) {
      try {
        if (condition.test({ statement, predicate }, within)) continue
        return `an attestation of ${predicateType} does not fulfil \`${condition.text}\``
      } catch (error) {
        if (!(error instanceof CelError)) throw error
        return `\`${condition.text}\` cannot be asked of an attestation of ${predicateType}: ${error.message}`
      }
    }
  }
  return undefined
}
