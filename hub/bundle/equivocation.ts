import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { EnvelopeError } from '@groundswell/proto/envelope.ts'
import { parseFreshness } from '@groundswell/proto/freshness.ts'
import { SignatureError, findSigners } from '@groundswell/proto/signers.ts'
import { parseSnapshot } from '@groundswell/proto/snapshot.ts'
import { StatementError } from '@groundswell/proto/statement-shape.ts'
import type { KeyRole } from '@groundswell/proto/statement.ts'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import type { RootChain } from './root-chain.ts'

/** Two snapshots under one sequence, by the fleet's own keys. */
export interface Equivocation {
  readonly epoch: number
  readonly sequence: number
  /** Digests of the two payloads. */
  readonly accepted: Digest
  readonly refused: Digest
}

interface Named {
  readonly aud: string
  readonly epoch: number
  readonly sequence: number
  readonly digest: Digest | null
}

/**
 * What an agent sends as evidence, believed only when both statements were signed by enough keys
 * that a root statement of their epoch names, are for that very cluster, and contradict each
 * other. Undefined when it proves nothing.
 */
export function readEquivocation(
  accepted: Uint8Array,
  refused: Uint8Array,
  clusterId: string,
  chain: RootChain,
): Equivocation | undefined {
  const first = readSnapshot(accepted, chain)
  const second = readSnapshot(refused, chain) ?? readFreshness(refused, chain)
  if (!first?.digest || !second?.digest || first.digest === second.digest) return undefined
  if (first.aud !== clusterId || second.aud !== clusterId) return undefined
  if (first.epoch !== second.epoch || first.sequence !== second.sequence) return undefined
  const { epoch, sequence } = first
  return { epoch, sequence, accepted: first.digest, refused: second.digest }
}

function readSnapshot(envelope: Uint8Array, chain: RootChain): Named | undefined {
  return readSigned(chain, 'snapshot', envelope, (payload) => {
    const { aud, epoch, sequence } = parseSnapshot(payload)
    return { aud, epoch, sequence, digest: digestOf(payload) }
  })
}

function readFreshness(envelope: Uint8Array, chain: RootChain): Named | undefined {
  return readSigned(chain, 'freshness', envelope, (payload) => {
    const { aud, epoch, sequence, snapshot } = parseFreshness(payload)
    return { aud, epoch, sequence, digest: snapshot }
  })
}

/**
 * By any root statement of its epoch: the newest may have taken the key back since. Read and its
 * signatures checked once, however many root statements there are: an agent may send anything.
 */
function readSigned(
  chain: RootChain,
  type: 'snapshot' | 'freshness',
  envelope: Uint8Array,
  parse: (payload: Uint8Array) => Named,
): Named | undefined {
  const keys = new Map(
    chain.flatMap(({ root }) => root.roles[type].keys.map((key) => [key.x, key] as const)),
  )
  try {
    const { payload, signers } = findSigners(envelope, type, [...keys.values()])
    const named = parse(payload)
    const vouched = chain.some(
      ({ root }) => root.epoch === named.epoch && isMet(root.roles[type], signers),
    )
    return vouched ? named : undefined
  } catch (error) {
    const isFault = [EnvelopeError, SignatureError, StatementError].some(
      (kind) => error instanceof kind,
    )
    if (!isFault) throw error
    return undefined
  }
}

function isMet({ keys, threshold }: KeyRole, signers: ReadonlySet<string>): boolean {
  return keys.filter((key) => signers.has(thumbprintOf(key))).length >= threshold
}
