import { mkdir, open, readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK } from 'jose'
import { HubError } from '../errors.ts'
import type { PublicKey } from '@groundswell/proto/statement.ts'
import { type RootChain, extendRootChain, newestOf, openRoot } from './root-chain.ts'
import { type SignedRoot, signFirstRoot } from './root.ts'
import type { SigningKey } from './sign.ts'

/** The root statements of a fleet, and where the next is kept. */
export interface RootFiles {
  readonly chain: RootChain
  /** Writes the newest one down. */
  keep(chain: RootChain): Promise<void>
}

/**
 * Loads the fleet's root statements from the directory of its keys: `root.json`, the first, as it
 * was signed, then `root-2.json` and so on. Where there is none, keys are made and the first is
 * signed with them; `directory` is for keys alone.
 *
 * @throws HubError `config_invalid`
 */
export async function loadRoots(directory: string, fleet: string, now: number): Promise<RootFiles> {
  const first = await readFile(join(directory, 'root.json')).catch(() => undefined)
  const chain = first
    ? await readChain(directory, fleet, first)
    : [await createFirstRoot(directory, fleet, now)]
  return {
    chain,
    async keep(longer) {
      const { root, envelope } = newestOf(longer)
      await writeNew(join(directory, `root-${root.version}.json`), envelope, 0o644)
    },
  }
}

async function readChain(directory: string, fleet: string, first: Buffer): Promise<RootChain> {
  let path = join(directory, 'root.json')
  try {
    let chain: RootChain = [openRoot(first)]
    for (;;) {
      const { root } = newestOf(chain)
      if (root.fleet !== fleet) {
        throw new HubError('config_invalid', `${path} is of fleet ${root.fleet}, not ${fleet}`)
      }
      path = join(directory, `root-${root.version + 1}.json`)
      const next = await readFile(path).catch(() => undefined)
      if (!next) return chain
      chain = extendRootChain(chain, next)
    }
  } catch (cause) {
    if (cause instanceof HubError && cause.code === 'config_invalid') throw cause
    throw new HubError('config_invalid', `${path}: ${(cause as Error).message}`, { cause })
  }
}

async function createFirstRoot(directory: string, fleet: string, now: number): Promise<SignedRoot> {
  const [root, snapshot, freshness] = [
    await loadSigningKey(directory, 'root'),
    await loadSigningKey(directory, 'snapshot'),
    await loadSigningKey(directory, 'freshness'),
  ]
  const signed = await signFirstRoot(fleet, { root, snapshot, freshness }, now)
  await writeNew(join(directory, 'root.json'), signed.envelope, 0o644)
  return signed
}

/** Private keys of the online roles in a directory: `snapshot*.jwk` and `freshness*.jwk`. */
export async function readOnlineKeys(directory: string): Promise<SigningKey[]> {
  const names = (await readdir(directory)).filter((name) =>
    /^(snapshot|freshness)[-.\w]*\.jwk$/.test(name),
  )
  const roles = names.sort().map((name) => name.slice(0, -'.jwk'.length))
  return Promise.all(roles.map((role) => loadSigningKey(directory, role)))
}

async function writeNew(path: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
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
  const privateKey = (await importJWK(jwk, 'EdDSA', { extractable: true })) as CryptoKey
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
  await writeNew(path, JSON.stringify(jwk), 0o600)
  return jwk
}
