import { createHmac, timingSafeEqual } from 'node:crypto'

/** Longest body that is looked at, in bytes. */
export const webhookBodyLimit = 3 * 1024 * 1024

/** Whether a webhook may hint; `reason` is for the log, the sender is told only that it may not. */
export type WebhookVerdict =
  { readonly accepted: true } | { readonly accepted: false; readonly reason: string }

const signatureHeaders = ['x-groundswell-signature', 'x-hub-signature-256'] as const

/**
 * Judges a webhook by the HMAC-SHA-256 of its raw body. The body is never read: a webhook says
 * only "look now", and what is looked at is the configured ref (bad input B61–B68).
 *
 * @param headers names in lower case, as Node gives them
 * @param secret without one, every webhook is refused
 */
export function judgeWebhook(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: Uint8Array,
  secret: string | undefined,
): WebhookVerdict {
  if (!secret) return { accepted: false, reason: 'no webhook secret is configured' }
  if (body.byteLength > webhookBodyLimit) return { accepted: false, reason: 'body too large' }
  const given = signatureHeaders.map((name) => headers[name]).filter((value) => value !== undefined)
  if (given.length !== 1) {
    return { accepted: false, reason: given.length === 0 ? 'no signature' : 'two signatures' }
  }
  const [signature] = given
  const match = typeof signature === 'string' ? /^sha256=([0-9a-f]{64})$/.exec(signature) : null
  if (!match) return { accepted: false, reason: 'signature is not sha256=<64 hex digits>' }
  const expected = createHmac('sha256', secret).update(body).digest()
  return timingSafeEqual(expected, Buffer.from(match[1]!, 'hex'))
    ? { accepted: true }
    : { accepted: false, reason: 'signature does not match the body' }
}
