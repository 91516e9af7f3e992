import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { JoinTokenRecord } from '../ledger/entry.ts'

/**
 * Whoever has the key that the hub keeps of a join token can join by it, and the ledger is read by
 * others: it goes to a Git remote. There it is closed by what only the hubs of the fleet have.
 */
export interface TokenKeys {
  readonly close: (tokenId: string, key: Uint8Array) => string
  /** Undefined for what was closed by another fleet, or for another token. */
  readonly open: (token: Pick<JoinTokenRecord, 'tokenId' | 'key'>) => Buffer | undefined
}

const cipher = 'aes-256-gcm'
const form = /^gcm\.([A-Za-z0-9_-]+)$/
const nonceBytes = 12
const tagBytes = 16

/**
 * @param secret of the fleet's hubs
 * @param random that many bytes nobody can guess
 */
export function createTokenKeys(
  secret: Uint8Array,
  random: (bytes: number) => Uint8Array,
): TokenKeys {
  const own = createHash('sha256').update('groundswell/join-token/v1|').update(secret).digest()
  return {
    close(tokenId, key) {
      const nonce = random(nonceBytes)
      const closing = createCipheriv(cipher, own, nonce).setAAD(Buffer.from(tokenId))
      const closed = [nonce, closing.update(key), closing.final(), closing.getAuthTag()]
      return `gcm.${Buffer.concat(closed).toString('base64url')}`
    },
    open({ tokenId, key }) {
      const match = form.exec(key)
      if (!match) return readOpenKey({ key })
      const bytes = Buffer.from(match[1]!, 'base64url')
      if (bytes.length <= nonceBytes + tagBytes) return undefined
      try {
        const opening = createDecipheriv(cipher, own, bytes.subarray(0, nonceBytes))
        opening.setAAD(Buffer.from(tokenId)).setAuthTag(bytes.subarray(-tagBytes))
        const text = opening.update(bytes.subarray(nonceBytes, -tagBytes))
        return Buffer.concat([text, opening.final()])
      } catch {
        return undefined
      }
    },
  }
}

/** As ledgers had it before keys were closed: in hex. */
export function readOpenKey({ key }: Pick<JoinTokenRecord, 'key'>): Buffer | undefined {
  return /^[0-9a-f]{64}$/.test(key) ? Buffer.from(key, 'hex') : undefined
}
