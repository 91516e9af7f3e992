import { createHmac, createPrivateKey, sign } from 'node:crypto'
import { HubError } from '../errors.ts'

/** What a webhook's letters are signed with. */
export type SigningKey =
  | { readonly kind: 'hmac'; readonly secret: Buffer }
  | { readonly kind: 'ed25519'; readonly pem: string }

const shortestSecret = 16

/**
 * The three headers of the Standard Webhooks specification (standardwebhooks.com), over
 * `id.seconds.body`: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`).
 *
 * @param now milliseconds since the epoch; the signature is over it, against replay
 * @throws HubError `notification_failed` when the secret could be guessed or the key is none
 */
export function signLetter(
  key: SigningKey,
  id: string,
  now: number,
  body: string,
): Record<string, string> {
  const seconds = String(Math.floor(now / 1000))
  const signed = `${id}.${seconds}.${body}`
  const headers = { 'webhook-id': id, 'webhook-timestamp': seconds }
  if (key.kind === 'hmac') {
    if (key.secret.byteLength < shortestSecret) {
      const words = `the secret of the webhook has fewer than ${shortestSecret} bytes`
      throw new HubError('notification_failed', words)
    }
    const mac = createHmac('sha256', key.secret).update(signed).digest('base64')
    return { ...headers, 'webhook-signature': `v1,${mac}` }
  }
  try {
    const privateKey = createPrivateKey(key.pem)
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key')
    const signature = sign(null, Buffer.from(signed), privateKey).toString('base64')
    return { ...headers, 'webhook-signature': `v1a,${signature}` }
  } catch (cause) {
    throw new HubError('notification_failed', `the key of the webhook cannot be used`, { cause })
  }
}
