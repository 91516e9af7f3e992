import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto'
import { AgentError } from '../errors.ts'
import type { SopsLeaf, SopsMember } from './sops.ts'

/** A value as SOPS decrypted it; `type` is its own word for what it was in the file. */
export interface ClearValue {
  readonly type: string
  readonly bytes: Buffer
}

const pattern =
  /^ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]$/

/** SOPS begins a MAC over encrypted values only with these, so that it is never one over all. */
const onlyEncryptedPrefix = Buffer.from(
  '8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69',
  'hex',
)

export function isEncrypted(text: string): boolean {
  return pattern.test(text)
}

/**
 * Decrypts every value of the file and checks the MAC over them, as `sops decrypt` does (its
 * aes/cipher.go and Tree.Decrypt, v3.13). Returns the clear values by leaf.
 *
 * @throws AgentError `secret_tampered`
 */
export function decryptLeaves(
  { leaves, mac, macOnlyEncrypted, lastModified }: SopsMember,
  dataKey: Uint8Array,
): Map<SopsLeaf, ClearValue> {
  const clear = new Map<SopsLeaf, ClearValue>()
  const hash = createHash('sha512')
  if (macOnlyEncrypted) hash.update(onlyEncryptedPrefix)
  for (const leaf of leaves) {
    if (!isEncrypted(leaf.text)) {
      if (!macOnlyEncrypted) hash.update(leaf.text)
      continue
    }
    const value = decryptValue(leaf.text, dataKey, `${leaf.path.join(':')}:`, leaf.path.join('.'))
    clear.set(leaf, value)
    if (value.type !== 'comment') hash.update(value.bytes)
  }
  const told = decryptValue(mac, dataKey, lastModified, 'sops.mac').bytes
  const found = Buffer.from(hash.digest('hex').toUpperCase())
  if (told.length !== found.length || !timingSafeEqual(told, found)) {
    throw new AgentError(
      'secret_tampered',
      'SOPS: the MAC does not match: a value was added, removed, moved or changed after the file was encrypted; open it with `sops edit` and save it again',
    )
  }
  return clear
}

function decryptValue(text: string, key: Uint8Array, context: string, place: string): ClearValue {
  const [, data, iv, tag, type] = pattern.exec(text) ?? []
  if (data === undefined || iv === undefined || tag === undefined || type === undefined) {
    throw new AgentError('secret_tampered', `SOPS: ${place} is not a value that SOPS encrypted`)
  }
  try {
    const cipher = createDecipheriv('aes-256-gcm', key, decodeBase64(iv), { authTagLength: 16 })
    cipher.setAAD(Buffer.from(context))
    cipher.setAuthTag(decodeBase64(tag))
    return { type, bytes: Buffer.concat([cipher.update(decodeBase64(data)), cipher.final()]) }
  } catch (cause) {
    const message = `SOPS: ${place} does not decrypt: it was changed, or moved here from another place`
    throw new AgentError('secret_tampered', message, { cause })
  }
}

/** One spelling a value: two texts are never the same ciphertext. */
function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new TypeError('not base64 as it is written')
  return bytes
}
