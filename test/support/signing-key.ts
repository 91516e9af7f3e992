import { exportJWK, generateKeyPair } from 'jose'
import type { Root } from '@groundswell/proto/statement.ts'
import type { SigningKey } from '../../hub/bundle/sign.ts'

/** A fresh Ed25519 key that may sign statements. */
export async function makeSigningKey({ extractable = true } = {}): Promise<SigningKey> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable })
  const { x } = await exportJWK(pair.publicKey)
  return { privateKey: pair.privateKey, publicKey: { kty: 'OKP', crv: 'Ed25519', x: x! } }
}

/** A root statement that names one key for everything and expires in 2100. */
export function rootOf(fleet: string, key: SigningKey): Root {
  const role = { keys: [key.publicKey], threshold: 1 }
  const roles = { root: role, snapshot: role, freshness: role, approver: role }
  return { v: 1, fleet, version: 1, epoch: 1, expiresAt: 4_102_444_800, roles, policies: [] }
}
