import { digestOf } from '@groundswell/proto/digest.ts'
import { EnvelopeError, parseEnvelope } from '@groundswell/proto/envelope.ts'
import { parseRoot } from '@groundswell/proto/root.ts'
import { SignatureError, findSigners } from '@groundswell/proto/signers.ts'
import { StatementError } from '@groundswell/proto/statement-shape.ts'
import type { KeyRole, Root } from '@groundswell/proto/statement.ts'
import { HubError } from '../errors.ts'
import type { SignedRoot } from './root.ts'

/** Every root statement of a fleet, oldest first; never empty. */
export type RootChain = readonly SignedRoot[]

/** As many as an agent takes in at once. */
const longestChain = 1_024

export function newestOf(chain: RootChain): SignedRoot {
  return chain.at(-1)!
}

/** @throws HubError `root_refused` when it does not vouch for itself */
export function openRoot(envelope: Uint8Array): SignedRoot {
  const { payload } = read(() => parseEnvelope(envelope, 'root'))
  const root = readRoot(Buffer.from(payload, 'base64url'))
  needSignatures(envelope, root.roles.root, 'its own root keys')
  return { root, envelope, digest: digestOf(envelope) }
}

/**
 * The chain with one more root statement, judged as an agent will: the next version, of this
 * fleet, signed by enough root keys of the one before and by enough of its own. The newest once
 * more changes nothing.
 *
 * @throws HubError `root_refused`
 */
export function extendRootChain(chain: RootChain, envelope: Uint8Array): RootChain {
  const last = newestOf(chain)
  const next = openRoot(envelope)
  const known = chain.find(({ root }) => root.version === next.root.version)
  if (known?.digest === next.digest) return chain
  if (known) throw refused(`version ${next.root.version} is another root statement here`)
  if (next.root.version !== last.root.version + 1) {
    throw refused(`version ${next.root.version} does not follow version ${last.root.version}`)
  }
  if (next.root.fleet !== last.root.fleet) throw refused(`it is of fleet ${next.root.fleet}`)
  if (next.root.epoch < last.root.epoch) throw refused('its epoch goes back')
  if (chain.length >= longestChain) throw refused(`there are ${longestChain} already`)
  needSignatures(envelope, last.root.roles.root, `root keys of version ${last.root.version}`)
  return [...chain, next]
}

/** @throws HubError `root_refused` when too few distinct keys of a role signed */
function needSignatures(envelope: Uint8Array, role: KeyRole, whose: string): void {
  const { signers } = read(() => findSigners(envelope, 'root', role.keys))
  if (signers.size < role.threshold) {
    throw refused(`${signers.size} of the ${role.threshold} signatures needed are by ${whose}`)
  }
}

/**
 * A payload as a root statement that agents will read, and one that can be acted on: every role
 * has the keys it asks for.
 *
 * @throws HubError `root_refused` naming the member
 */
export function readRoot(payload: Uint8Array): Root {
  const root = read(() => parseRoot(payload))
  for (const [name, { keys, threshold }] of Object.entries(root.roles)) {
    // Nobody may be asked to approve yet; every other role must be able to speak.
    const enough = keys.length >= threshold || (name === 'approver' && keys.length === 0)
    if (!enough) throw refused(`it is malformed: ${name}: fewer keys than its threshold`)
  }
  return root
}

/** What statements may have wrong, in the hub's words. */
function read<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    const { message } = cause as Error
    if (cause instanceof StatementError) throw refused(`it is malformed: ${message}`, cause)
    if (cause instanceof EnvelopeError) throw refused(`it is no such envelope: ${message}`, cause)
    if (cause instanceof SignatureError) throw refused(message, cause)
    throw cause
  }
}

function refused(why: string, cause?: unknown): HubError {
  return new HubError('root_refused', `the root statement is refused: ${why}`, { cause })
}
