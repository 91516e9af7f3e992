import type { Root } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'
import { openEnvelope, readEnvelope } from './signature.ts'
import { parseRoot } from './statement.ts'

/** Root statements taken in at once: an agent that slept through them all wakes within bounds. */
export const longestRootChain = 1_024

/** A root statement that is believed, with the envelope it came in. */
export interface TrustedRoot {
  readonly root: Root
  readonly envelope: Uint8Array
}

/**
 * From the root statement that is trusted to the newest of a chain: each the next version, of the
 * same fleet, signed by enough root keys of the one before it and by enough of its own. All of the
 * chain or nothing. The trusted statement once more, byte for byte, changes nothing.
 *
 * Expiry is not judged here: a statement in the middle may well have run out, and the newest is
 * judged when new content leans on it (T17).
 *
 * @throws AgentError `root_*`, `wrong_fleet`, `envelope_*`, `signature_invalid`, `threshold_not_met`
 */
export async function verifyRootChain(
  trusted: TrustedRoot,
  envelopes: readonly Uint8Array[],
): Promise<TrustedRoot> {
  if (envelopes.length > longestRootChain) {
    throw new AgentError('root_chain_too_long', `${envelopes.length} root statements at once`)
  }
  let last = trusted
  for (const envelope of envelopes) {
    if (Buffer.compare(envelope, last.envelope) === 0) continue
    last = { root: await verifyNext(last.root, envelope), envelope }
  }
  return last
}

async function verifyNext(last: Root, envelope: Uint8Array): Promise<Root> {
  // Read before it is believed, only to say what is wrong with it and to find its own keys.
  const next = parseRoot(Buffer.from(readEnvelope(envelope, 'root').payload, 'base64url'))
  if (next.fleet !== last.fleet) {
    throw new AgentError('wrong_fleet', `this root statement is of fleet ${next.fleet}`)
  }
  if (next.version <= last.version) {
    throw new AgentError('root_rollback', `version ${next.version} after ${last.version}`)
  }
  if (next.version !== last.version + 1) {
    throw new AgentError('root_gap', `version ${next.version} does not follow ${last.version}`)
  }
  if (next.epoch < last.epoch) {
    throw new AgentError('root_rollback', `epoch ${next.epoch} after ${last.epoch}`)
  }
  openEnvelope(envelope, 'root', last.roles.root)
  openEnvelope(envelope, 'root', next.roles.root)
  return next
}
