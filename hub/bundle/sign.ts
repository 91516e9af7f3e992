import { KeyObject, sign } from 'node:crypto'
import { digestOf, type Digest } from '@groundswell/proto/digest.ts'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
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
  const payload = Buffer.from(canonicalJson(statement as never))
  const encoded = payload.toString('base64url')
  const signatures = keys.map((key) => signWith(type, encoded, key))
  const envelope = canonicalJson({ payload: encoded, signatures })
  return { envelope: Buffer.from(envelope), digest: digestOf(payload) }
}

/** A key as Node's own signing wants it, and its name: both made once, a hub signs thousands with it. */
interface Prepared {
  readonly signer: KeyObject
  readonly kid: string
}

const prepared = new WeakMap<SigningKey, Prepared>()

function prepare(key: SigningKey): Prepared {
  const known = prepared.get(key)
  if (known) return known
  const signer = KeyObject.from(key.privateKey)
  const made = { signer, kid: thumbprintOf(key.publicKey) }
  prepared.set(key, made)
  return made
}

/**
 * At once, on this thread: an Ed25519 signature takes less than handing it to another thread and
 * back. The bytes are those of any JWS library, for Ed25519 leaves no choice.
 */
function signWith(
  type: StatementType,
  payload: string,
  key: SigningKey,
): { protected: string; signature: string } {
  const { signer, kid } = prepare(key)
  const header = JSON.stringify({ alg: 'EdDSA', typ: typOf(type), kid })
  const encoded = Buffer.from(header).toString('base64url')
  const signature = sign(null, Buffer.from(`${encoded}.${payload}`), signer)
  return { protected: encoded, signature: signature.toString('base64url') }
}
