import { type Envelope, EnvelopeError, parseEnvelope } from '@groundswell/proto/envelope.ts'
import { SignatureError, type Signed, findSigners as find } from '@groundswell/proto/signers.ts'
import type { KeyRole, PublicKey, StatementType } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'

/**
 * Untrusted bytes → the payload that enough distinct keys of a role signed.
 *
 * @throws AgentError `envelope_*`, `signature_invalid`, `threshold_not_met`
 */
export function openEnvelope(bytes: Uint8Array, type: StatementType, role: KeyRole): Uint8Array {
  if (!Number.isSafeInteger(role.threshold) || role.threshold < 1) {
    throw new AgentError('threshold_not_met', `the ${type} role has no valid threshold`)
  }
  const { payload, signers } = findSigners(bytes, type, role.keys)
  if (signers.size < role.threshold) {
    throw new AgentError(
      'threshold_not_met',
      `${signers.size} of ${role.threshold} keys trusted for ${type} signed this`,
    )
  }
  return payload
}

/** @throws AgentError `envelope_*`, `signature_invalid` */
export function findSigners(
  bytes: Uint8Array,
  type: StatementType,
  trusted: readonly PublicKey[],
): Signed {
  return translate(() => find(bytes, type, trusted))
}

/** @throws AgentError `envelope_*` */
export function readEnvelope(bytes: Uint8Array, type: StatementType): Envelope {
  return translate(() => parseEnvelope(bytes, type))
}

function translate<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof EnvelopeError) {
      throw new AgentError(`envelope_${error.code}`, error.message, { cause: error })
    }
    if (error instanceof SignatureError) {
      throw new AgentError('signature_invalid', error.message, { cause: error })
    }
    throw error
  }
}
