import { digestOf } from '@groundswell/proto/digest.ts'
import { EnvelopeError, parseEnvelope, parseHeader } from '@groundswell/proto/envelope.ts'
import { parseStrictJson } from '@groundswell/proto/strict-json.ts'
import { hasExactly, isRecord } from '@groundswell/proto/record.ts'
import type {
  KeyRole,
  PublicKey,
  Root,
  RoleName,
  StatementType,
} from '@groundswell/proto/statement.ts'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import { flattenedVerify, importJWK } from 'jose'
import { HubError } from '../errors.ts'
import type { SignedRoot } from './root.ts'

/** Every root statement of a fleet, oldest first; never empty. */
export type RootChain = readonly SignedRoot[]

/** As many as an agent takes in at once. */
const longestChain = 1_024
const rootBytes = 32 * 1024

export function newestOf(chain: RootChain): SignedRoot {
  return chain.at(-1)!
}

/** @throws HubError `root_refused` when it does not vouch for itself */
export async function openRoot(envelope: Uint8Array): Promise<SignedRoot> {
  if (envelope.byteLength > rootBytes) throw refused(`it is larger than ${rootBytes} bytes`)
  const root = parseRoot(readPayload(envelope, 'root'))
  await needSignatures(envelope, 'root', root.roles.root, 'its own root keys')
  return { root, envelope, digest: digestOf(envelope) }
}

/**
 * The chain with one more root statement, judged as an agent will: the next version, of this
 * fleet, signed by enough root keys of the one before and by enough of its own. The newest once
 * more changes nothing.
 *
 * @throws HubError `root_refused`
 */
export async function extendRootChain(chain: RootChain, envelope: Uint8Array): Promise<RootChain> {
  const last = newestOf(chain)
  const next = await openRoot(envelope)
  const known = chain.find(({ root }) => root.version === next.root.version)
  if (known?.digest === next.digest) return chain
  if (known) throw refused(`version ${next.root.version} is another root statement here`)
  if (next.root.version !== last.root.version + 1) {
    throw refused(`version ${next.root.version} does not follow version ${last.root.version}`)
  }
  if (next.root.fleet !== last.root.fleet) throw refused(`it is of fleet ${next.root.fleet}`)
  if (next.root.epoch < last.root.epoch) throw refused('its epoch goes back')
  if (chain.length >= longestChain) throw refused(`there are ${longestChain} already`)
  await needSignatures(
    envelope,
    'root',
    last.root.roles.root,
    `root keys of version ${last.root.version}`,
  )
  return [...chain, next]
}

/**
 * How many distinct keys of a role signed an envelope. A signature by a key of the role that is
 * wrong is a fault, not one less.
 *
 * @throws EnvelopeError, HubError `root_refused`
 */
export async function countSigners(
  envelope: Uint8Array,
  type: StatementType,
  role: KeyRole,
): Promise<number> {
  const { payload, signatures } = parseEnvelope(envelope, type)
  const keys = new Map<string, PublicKey>()
  for (const key of role.keys) keys.set(thumbprintOf(key), key)
  const signers = new Set<string>()
  for (const signature of signatures) {
    const { kid } = parseHeader(signature.protected, type)
    const key = keys.get(kid)
    if (!key) continue
    const imported = await importJWK({ ...key }, 'EdDSA')
    try {
      await flattenedVerify({ payload, ...signature }, imported, { algorithms: ['EdDSA'] })
    } catch (cause) {
      throw new HubError('root_refused', `the signature by key ${kid} is wrong`, { cause })
    }
    signers.add(kid)
  }
  return signers.size
}

/** The bytes an envelope holds, of whoever's; check who signed them. @throws HubError `root_refused` */
export function readPayload(envelope: Uint8Array, type: StatementType): unknown {
  try {
    const { payload } = parseEnvelope(envelope, type)
    return parseStrictJson(Buffer.from(payload, 'base64url'))
  } catch (cause) {
    const words = cause instanceof EnvelopeError ? cause.message : 'its payload is not JSON'
    throw new HubError('root_refused', `not a ${type} statement: ${words}`, { cause })
  }
}

async function needSignatures(
  envelope: Uint8Array,
  type: StatementType,
  role: KeyRole,
  whose: string,
): Promise<void> {
  const signers = await countSigners(envelope, type, role)
  if (signers < role.threshold) {
    throw refused(`${signers} of the ${role.threshold} signatures needed are by ${whose}`)
  }
}

const roleNames: readonly RoleName[] = ['approver', 'freshness', 'root', 'snapshot']

/** @throws HubError `root_refused` naming the member */
export function parseRoot(value: unknown): Root {
  const members = ['epoch', 'expiresAt', 'fleet', 'policies', 'roles', 'v', 'version']
  need(isRecord(value) && hasExactly(value, members), `its members are ${members.join(', ')}`)
  need(value['v'] === 1, 'v is 1')
  need(typeof value['fleet'] === 'string' && value['fleet'] !== '', 'fleet')
  for (const member of ['version', 'epoch', 'expiresAt']) need(isPositive(value[member]), member)
  const { roles, policies } = value
  need(isRecord(roles) && hasExactly(roles, roleNames), `its roles are ${roleNames.join(', ')}`)
  for (const [name, role] of Object.entries(roles)) checkRole(name, role)
  need(Array.isArray(policies) && policies.length <= 100, 'policies')
  for (const policy of policies as unknown[]) checkPolicy(policy)
  return value as unknown as Root
}

function checkRole(name: string, role: unknown): void {
  need(isRecord(role) && hasExactly(role, ['keys', 'threshold']), name)
  const { keys, threshold } = role
  need(Array.isArray(keys) && keys.length <= 16 && isPositive(threshold), name)
  for (const key of keys as unknown[]) {
    need(isRecord(key) && hasExactly(key, ['crv', 'kty', 'x']), `${name}: a key`)
    const { kty, crv, x } = key
    const isKey = kty === 'OKP' && crv === 'Ed25519' && /^[A-Za-z0-9_-]{43}$/.test(String(x))
    need(isKey, `${name}: a key is not Ed25519`)
  }
  const distinct = new Set((keys as PublicKey[]).map(({ x }) => x)).size
  need(distinct === keys.length, `${name}: a key twice`)
  // Nobody may be asked to approve yet; every other role must be able to speak.
  const enough = distinct >= (threshold as number) || (name === 'approver' && distinct === 0)
  need(enough, `${name}: fewer keys than its threshold`)
}

function checkPolicy(policy: unknown): void {
  need(isRecord(policy) && hasExactly(policy, ['approvers', 'clusters', 'group']), 'a policy')
  const { approvers, clusters, group } = policy
  const named = Array.isArray(clusters) && clusters.every((name) => typeof name === 'string')
  need(isPositive(approvers) && named && typeof group === 'string', 'a policy')
}

function isPositive(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw refused(`it is malformed: ${what}`)
}

function refused(why: string): HubError {
  return new HubError('root_refused', `the root statement is refused: ${why}`)
}
