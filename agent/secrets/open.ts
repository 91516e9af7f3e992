import { isRecord } from '@groundswell/proto/record.ts'
import type { Body } from '../apply/write/body.ts'
import { AgentError } from '../errors.ts'
import { openAge } from './age.ts'
import { type ClearValue, decryptLeaves, isEncrypted } from './cipher.ts'
import type { KeyStore } from './keys.ts'
import { isPgpKey, openPgp } from './pgp.ts'
import { parseSopsMember, type SopsLeaf, type SopsMember } from './sops.ts'

/** Makes an object ready to be applied: one that is encrypted is decrypted, in memory only. */
export type OpenObject = (body: Body) => Promise<Body>

const secretFields = ['data', 'stringData'] as const

/**
 * Opens Secrets encrypted by SOPS. The MAC is checked over the file as it was committed; then each
 * encrypted value of the object takes what stood at its place in that file.
 *
 * @throws AgentError `secret_undecryptable` without the right key, `secret_tampered`,
 *   `secret_malformed`; none quotes a value
 */
export function createOpenObject(keys: KeyStore): OpenObject {
  return async (body) => {
    const { sops, ...rest } = body
    if (sops === undefined) return body
    if (body.apiVersion !== 'v1' || body.kind !== 'Secret') {
      const message = `SOPS: a ${body.kind} cannot be encrypted: everybody who reads it would see the values; put them into a Secret`
      throw new AgentError('secret_malformed', message)
    }
    const member = parseSopsMember(sops)
    const dataKey = await openDataKey(member, keys)
    try {
      return fill(rest, member, decryptLeaves(member, dataKey))
    } finally {
      dataKey.fill(0)
    }
  }
}

async function openDataKey({ age, pgp }: SopsMember, keys: KeyStore): Promise<Uint8Array> {
  const identities = await keys.load()
  for (const { recipient, enc } of age) {
    for (const identity of identities.filter((one) => one.recipient === recipient)) {
      const key = await openAge(enc, identity)
      if (key?.length === 32) return key
    }
  }
  for (const { enc } of pgp) {
    // A message names subkeys, and a file of SOPS the primary key: each is tried.
    for (const identity of identities.filter(isPgpKey)) {
      const key = await openPgp(enc, identity)
      if (key?.length === 32) return key
    }
  }
  const held = identities.map(({ recipient }) => recipient).join(', ') || 'no key'
  const wanted = [...age, ...pgp].map(({ recipient }) => recipient).join(', ')
  throw new AgentError(
    'secret_undecryptable',
    `SOPS: encrypted for ${wanted}; ${keys.name} has ${held}. Put the key there, or encrypt for it too with \`sops updatekeys\``,
  )
}

function fill(
  body: Body,
  { leaves, document, macOnlyEncrypted }: SopsMember,
  clear: ReadonlyMap<SopsLeaf, ClearValue>,
): Body {
  const known = new Map<string, ClearValue>()
  for (const leaf of leaves) {
    const value = clear.get(leaf)
    if (value && leaf.document === document) known.set(placeOf(leaf.path, leaf.text), value)
  }
  const opened: Record<string, unknown> = { ...body }
  for (const field of secretFields) {
    const values = body[field]
    if (!isRecord(values)) continue
    opened[field] = Object.fromEntries(
      Object.entries(values).map(([key, text]) => {
        const place = `${field}.${key}`
        if (typeof text !== 'string' || !isEncrypted(text)) {
          if (macOnlyEncrypted && text !== '') {
            const message = `SOPS: ${place} is not encrypted, and with mac_only_encrypted nothing vouches for it`
            throw new AgentError('secret_tampered', message)
          }
          return [key, text]
        }
        return [key, readText(known.get(placeOf([field, key], text)), place)]
      }),
    )
  }
  refuseElsewhere(opened, [])
  return opened as Body
}

function placeOf(path: readonly string[], text: string): string {
  return JSON.stringify([path, text])
}

function readText(value: ClearValue | undefined, place: string): string {
  if (!value) {
    const message = `SOPS: ${place} does not stand there in the file that was encrypted; a patch must not move encrypted values`
    throw new AgentError('secret_tampered', message)
  }
  if (value.type !== 'str') {
    const message = `SOPS: ${place} is a ${value.type}; a Secret holds text, so quote it before it is encrypted`
    throw new AgentError('secret_malformed', message)
  }
  return value.bytes.toString('utf8')
}

/** A value that stays encrypted outside the secret fields would be applied as it is. */
function refuseElsewhere(value: unknown, path: readonly string[]): void {
  if (typeof value === 'string') {
    if (!isEncrypted(value)) return
    const message = `SOPS: ${path.join('.')} is encrypted; only data and stringData of a Secret may be (encrypted_regex: ^(data|stringData)$)`
    throw new AgentError('secret_malformed', message)
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (path.length > 0 || !(secretFields as readonly string[]).includes(key)) {
      refuseElsewhere(member, [...path, key])
    }
  }
}
