import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK } from 'jose'
import { HubError } from '../errors.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { PublicKey, Root } from '@groundswell/proto/statement.ts'
import { type FleetKeys, type SignedRoot, signFirstRoot } from './root.ts'
import type { SigningKey } from './sign.ts'

/** The online key and the root statement that names it; `directory` is for keys alone. */
export async function loadFleetTrust(
  directory: string,
  fleet: string,
  now: number,
): Promise<{ readonly snapshotKey: SigningKey; readonly root: SignedRoot }> {
  const snapshotKey = await loadSigningKey(directory, 'snapshot')
  const rootKey = await loadSigningKey(directory, 'root')
  const root = await loadRoot(directory, fleet, { root: rootKey, snapshot: snapshotKey }, now)
  return { snapshotKey, root }
}

/**
 * Loads the fleet's root statement, signing the first one on first use. It is kept as it was
 * signed: join tokens pin its digest.
 *
 * @throws HubError `config_invalid`
 */
export async function loadRoot(
  directory: string,
  fleet: string,
  keys: FleetKeys,
  now: number,
): Promise<SignedRoot> {
  const path = join(directory, 'root.json')
  const known = await readFile(path).catch(() => undefined)
  if (known) {
    try {
      const { payload } = JSON.parse(known.toString()) as { payload: string }
      const root = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Root
      if (!root.roles.snapshot.keys.some(({ x }) => x === keys.snapshot.publicKey.x)) {
        throw new HubError(
          'config_invalid',
          `${path} does not name the key in snapshot.jwk, so no agent would believe it; restore that key`,
        )
      }
      if (root.fleet !== fleet) {
        throw new HubError('config_invalid', `${path} is of fleet ${root.fleet}, not ${fleet}`)
      }
      return { root, envelope: known, digest: digestOf(known) }
    } catch (cause) {
      if (cause instanceof HubError) throw cause
      throw new HubError('config_invalid', `${path} is damaged`, { cause })
    }
  }
  const signed = await signFirstRoot(fleet, keys, now)
  const file = await open(path, 'wx', 0o644)
  try {
    await file.writeFile(signed.envelope)
    await file.sync()
  } finally {
    await file.close()
  }
  return signed
}

/**
 * Loads an Ed25519 signing key from a JWK file, making one on first use. A file that others may
 * read is refused.
 *
 * @throws HubError `config_invalid`
 */
export async function loadSigningKey(directory: string, role: string): Promise<SigningKey> {
  const path = join(directory, `${role}.jwk`)
  const jwk = (await readJwk(path)) ?? (await createJwk(directory, path))
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || !jwk.d || !jwk.x) {
    throw new HubError('config_invalid', `${path}: not an Ed25519 private key`)
  }
  const privateKey = (await importJWK(jwk, 'EdDSA')) as CryptoKey
  const publicKey: PublicKey = { kty: 'OKP', crv: 'Ed25519', x: jwk.x }
  return { privateKey, publicKey }
}

interface Jwk {
  readonly kty?: string
  readonly crv?: string
  readonly d?: string
  readonly x?: string
}

async function readJwk(path: string): Promise<Jwk | undefined> {
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) {
      throw new HubError('config_invalid', `${path}: readable by others; chmod 600 it`)
    }
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as Jwk
  } catch (cause) {
    throw new HubError('config_invalid', `${path}: not JSON`, { cause })
  }
}

async function createJwk(directory: string, path: string): Promise<Jwk> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(privateKey)
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(JSON.stringify(jwk))
    await file.sync()
  } finally {
    await file.close()
  }
  return jwk
}
