import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { type Envelope, parseEnvelope } from '@groundswell/proto/envelope.ts'
import type { ApprovalPolicy, PublicKey, Root, RoleName } from '@groundswell/proto/statement.ts'
import { exportJWK, generateKeyPair, importJWK } from 'jose'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import { HubError } from '../errors.ts'
import { readRoot } from './root-chain.ts'
import { checkRootSize } from './root-warning.ts'
import { type SigningKey, signStatement } from './sign.ts'

/* What people do with root statements on a machine of their own, on files. Pure but for new keys. */

export interface RootChange {
  /** Key ids to drop, from every role. */
  readonly drop?: readonly string[]
  readonly add?: readonly { readonly role: RoleName; readonly key: PublicKey }[]
  readonly thresholds?: Partial<Record<RoleName, number>>
  readonly policies?: readonly ApprovalPolicy[]
  /** After a compromise: sequences start afresh, and nothing signed before counts. */
  readonly newEpoch?: boolean
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
}

/** The root statement that follows `root`. @throws HubError `root_refused` */
export async function draftRoot(root: Root, change: RootChange): Promise<Root> {
  const drop = new Set(change.drop)
  const known = new Set<string>()
  const roles: Record<string, Root['roles'][RoleName]> = {}
  for (const [name, role] of Object.entries(root.roles)) {
    const keys: PublicKey[] = []
    for (const key of role.keys) {
      const id = thumbprintOf(key)
      known.add(id)
      if (!drop.has(id)) keys.push(key)
    }
    for (const { role: to, key } of change.add ?? []) {
      if (to === name && !keys.some(({ x }) => x === key.x)) keys.push(key)
    }
    roles[name] = { keys, threshold: change.thresholds?.[name as RoleName] ?? role.threshold }
  }
  for (const id of drop) {
    if (!known.has(id)) throw new HubError('root_refused', `no key ${id} is in this root statement`)
  }
  const next = {
    ...root,
    version: root.version + 1,
    epoch: root.epoch + (change.newEpoch ? 1 : 0),
    expiresAt: change.expiresAt,
    roles,
    policies: change.policies ?? root.policies,
  }
  return readRoot(Buffer.from(canonicalJson(next as never)))
}

/**
 * A drafted root statement with the signatures of these keys added to those that are there. Only
 * what agents would read is signed.
 *
 * @throws HubError `root_refused`, EnvelopeError
 */
export async function addSignatures(
  envelope: Uint8Array,
  keys: readonly SigningKey[],
): Promise<Uint8Array> {
  const { payload, signatures } = parseEnvelope(envelope, 'root')
  const root = readRoot(Buffer.from(payload, 'base64url'))
  const made = await signStatement('root', root, keys)
  const added = JSON.parse(Buffer.from(made.envelope).toString()) as Envelope
  if (added.payload !== payload) {
    throw new HubError(
      'root_refused',
      'the statement is not spelled canonically; sign no such thing',
    )
  }
  const heads = new Set(added.signatures.map((signature) => signature.protected))
  const kept = signatures.filter((signature) => !heads.has(signature.protected))
  const signed = Buffer.from(
    canonicalJson({ payload, signatures: [...kept, ...added.signatures] } as never),
  )
  checkRootSize(root, signed)
  return signed
}

/** A new Ed25519 key and the text of its file. */
export async function makeKey(): Promise<{ readonly key: SigningKey; readonly text: string }> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const text = JSON.stringify(await exportJWK(pair.privateKey))
  return { key: await readKey(text, 'the new key'), text }
}

/** Text of a private key file → the key. @throws HubError `config_invalid` */
export async function readKey(text: string, where: string): Promise<SigningKey> {
  let jwk: Record<string, unknown>
  try {
    jwk = JSON.parse(text) as Record<string, unknown>
  } catch (cause) {
    throw new HubError('config_invalid', `${where}: not JSON`, { cause })
  }
  const { kty, crv, x, d } = jwk
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || typeof d !== 'string') {
    throw new HubError('config_invalid', `${where}: not an Ed25519 private key`)
  }
  const privateKey = await importJWK({ kty, crv, x, d }, 'EdDSA', { extractable: true })
  if (privateKey instanceof Uint8Array) throw new HubError('config_invalid', `${where}: no key`)
  return { privateKey, publicKey: { kty, crv, x } }
}
