import { AgentError } from '../errors.ts'
import { readEnvelope } from './signature.ts'
import type { StateCopy, TrustState, TrustStore } from './state.ts'
import { parseRoot } from './statement.ts'

/**
 * One trust state in several places. The first is the authority: it is written first, and alone
 * decides whether the mark can be relied on; in a cluster it is the Secret, and the file beside it
 * may well be gone with the pod's disk. An older copy of either never lowers the mark: of what is
 * found the newest counts, position and root each by itself.
 *
 * When the authority is gone or damaged the state is in doubt: what was accepted goes on, but
 * nothing new is accepted until a signer has said where the sequence is. With nothing left at all
 * it starts from the root statement that was pinned when the agent joined.
 */
export function createMirroredTrust(
  copies: readonly StateCopy[],
  pinned: Uint8Array | undefined,
): TrustStore {
  async function save(state: TrustState): Promise<void> {
    for (const copy of copies) await copy.save(state)
  }

  return {
    save,
    async load() {
      const found = await Promise.all(copies.map(readCopy))
      const doubt = found[0]?.fault
      const states = found.flatMap(({ state }) => state ?? [])
      if (states.length === 0 && !pinned) {
        throw new AgentError('trust_state_corrupt', `${doubt}; join again`)
      }
      const state = states.length > 0 ? states.reduce(newestOf) : startAgain(pinned!)
      if (doubt !== undefined) return { ...state, doubt }
      // Equal again before anything is built on it; a copy that cannot be written stops the start.
      if (found.some((copy) => copy.state !== state)) await save(state)
      return state
    },
  }
}

async function readCopy(copy: StateCopy): Promise<{ state?: TrustState; fault?: string }> {
  try {
    const state = await copy.load()
    return state ? { state } : { fault: `${copy.name} is missing` }
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'trust_state_corrupt') throw error
    return { fault: error.message }
  }
}

function newestOf(a: TrustState, b: TrustState): TrustState {
  const position = isPast(b, a) ? b : a
  const other = position === a ? b : a
  const versions = [rootVersionOf(position.root), rootVersionOf(other.root)] as const
  const { root } = versions[1] > versions[0] ? other : position
  const { doubt: _, timeFloor, auditHead, auditFault, ...rest } = position
  // A doubt that was written down stands until it is settled, whichever copy has it.
  const doubt = a.doubt ?? b.doubt
  const known =
    versions[0] === versions[1]
      ? newestKnown(position, other)
      : knownOf(root === other.root ? other : position)
  const same =
    known.timeFloor === timeFloor &&
    known.auditHead === auditHead &&
    known.auditFault === auditFault
  if (root === position.root && position.doubt === doubt && same) return position
  // Its snapshot was accepted under the root beside it, and is reopened under that one.
  const under =
    root === position.root ? position.envelopeRoot : (position.envelopeRoot ?? position.root)
  return {
    ...rest,
    ...known,
    root,
    ...(doubt === undefined ? {} : { doubt }),
    ...(under === undefined ? {} : { envelopeRoot: under }),
  }
}

/** What was learnt of time and ledger. It goes with the root: a newer one may have ended some of it. */
type Known = Pick<TrustState, 'timeFloor' | 'auditHead' | 'auditFault'>

function knownOf(of: { readonly [K in keyof Known]?: Known[K] | undefined }): Known {
  const { timeFloor, auditHead, auditFault } = of
  return {
    ...(timeFloor === undefined ? {} : { timeFloor }),
    ...(auditHead ? { auditHead } : {}),
    ...(auditFault ? { auditFault } : {}),
  }
}

/** Under one root statement each goes forward only. */
function newestKnown(a: Known, b: Known): Known {
  const { timeFloor } = (b.timeFloor ?? 0) > (a.timeFloor ?? 0) ? b : a
  const { auditHead } = (b.auditHead?.index ?? -1) > (a.auditHead?.index ?? -1) ? b : a
  return knownOf({ timeFloor, auditHead, auditFault: a.auditFault ?? b.auditFault })
}

type Position = Pick<TrustState, 'epoch' | 'sequence'>

function isPast(a: Position, b: Position): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.sequence > b.sequence)
}

function rootVersionOf(envelope: Uint8Array): number {
  return readRoot(envelope).version
}

function readRoot(envelope: Uint8Array) {
  return parseRoot(Buffer.from(readEnvelope(envelope, 'root').payload, 'base64url'))
}

function startAgain(root: Uint8Array): TrustState {
  const { epoch } = readRoot(root)
  return { root, epoch, sequence: 0, snapshotDigest: null, envelope: null }
}

/** What a verified freshness statement says of where things are. */
export type SignedPosition = Position & {
  readonly snapshot: TrustState['snapshotDigest']
  readonly rootVersion: number
}

/**
 * The mark as a signer knows it ends a doubt: from there the sequence can only go on. Not before
 * the newest root is here, since an old one may name keys that were taken back.
 */
export function settleDoubt(state: TrustState, signed: SignedPosition): TrustState {
  if (state.doubt === undefined || signed.rootVersion > rootVersionOf(state.root)) return state
  // A signer that knows less than what is left here is not believed: it may have lost more.
  if (isPast(state, signed)) return state
  const { doubt: _, ...rest } = state
  if (!isPast(signed, state)) return rest
  const { epoch, sequence, snapshot } = signed
  return { ...rest, epoch, sequence, snapshotDigest: snapshot }
}
