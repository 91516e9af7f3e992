import { KeyObject, sign } from 'node:crypto'
import { digestOf, type Digest } from '@groundswell/proto/digest.ts'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import type { EnvelopeSignature } from '@groundswell/proto/envelope.ts'
import { type PublicKey, type StatementType, typOf } from '@groundswell/proto/statement.ts'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import type { CryptoKey } from 'jose'

/** A private key that may sign statements, with the public half that a root statement lists. */
export interface SigningKey {
  readonly privateKey: CryptoKey
  readonly publicKey: PublicKey
}

export interface SignedStatement {
  /** The envelope's bytes, as they travel. */
  readonly envelope: Uint8Array
  /** Digest of the payload that was signed. */
  readonly digest: Digest
}

/**
 * Signs a statement: JWS General JSON in the strict profile of proto/envelope.ts. One signature
 * for each key, over the same canonical bytes.
 */
export async function signStatement(
  type: StatementType,
  statement: object,
  keys: readonly SigningKey[],
): Promise<SignedStatement> {
  return signText(type, canonicalJson(statement as never), keys)
}

/** Signs a statement that is canonical JSON already. */
export function signText(
  type: StatementType,
  text: string,
  keys: readonly SigningKey[],
): SignedStatement {
  const payload = Buffer.from(text)
  const encoded = payload.toString('base64url')
  const signatures = keys.map((key) => signWith(type, encoded, key))
  return { envelope: Buffer.from(spellEnvelope(encoded, signatures)), digest: digestOf(payload) }
}

/** Canonical JSON of an envelope: base64url holds nothing that JSON would escape. */
function spellEnvelope(payload: string, signatures: readonly EnvelopeSignature[]): string {
  const spelt = signatures.map(
    ({ protected: header, signature }) => `{"protected":"${header}","signature":"${signature}"}`,
  )
  return `{"payload":"${payload}","signatures":[${spelt.join()}]}`
}

/** A key as Node's own signing wants it, and headers that name it: made once, a hub signs thousands with it. */
interface Prepared {
  readonly signer: KeyObject
  readonly kid: string
  readonly headers: Map<StatementType, string>
}

const prepared = new WeakMap<SigningKey, Prepared>()

function prepare(key: SigningKey): Prepared {
  const known = prepared.get(key)
  if (known) return known
  const signer = KeyObject.from(key.privateKey)
  const made = { signer, kid: thumbprintOf(key.publicKey), headers: new Map() }
  prepared.set(key, made)
  return made
}

/** The protected header, base64url. */
function headerOf({ kid, headers }: Prepared, type: StatementType): string {
  const known = headers.get(type)
  if (known !== undefined) return known
  const header = JSON.stringify({ alg: 'EdDSA', typ: typOf(type), kid })
  const encoded = Buffer.from(header).toString('base64url')
  headers.set(type, encoded)
  return encoded
}

/**
 * At once, on this thread: an Ed25519 signature takes less than handing it to another thread and
 * back. The bytes are those of any JWS library, for Ed25519 leaves no choice.
 */
function signWith(type: StatementType, payload: string, key: SigningKey): EnvelopeSignature {
  const made = prepare(key)
  const header = headerOf(made, type)
  const signature = sign(null, Buffer.from(`${header}.${payload}`, 'latin1'), made.signer)
  return { protected: header, signature: signature.toString('base64url') }
}
