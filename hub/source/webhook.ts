import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Longest body that is looked at, in bytes. */
export const webhookBodyLimit = 3 * 1024 * 1024

/**
 * Whether a webhook may hint; `reason` is for the log. What the sender is told depends on the request
 * alone: not on whether there is such a webhook, nor on which secrets it has (T34).
 */
export type WebhookVerdict =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly reason: string; readonly told: string }

/** Names in lower case, as Node gives them. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** How a Git host shows that it knows the secret. */
interface Proof {
  readonly header: string
  /** What the header must look like; its first group is compared. */
  readonly shape: RegExp
  /** Words for the shape. */
  readonly words: string
  readonly expect: (secret: string, body: Uint8Array, headers: WebhookHeaders) => string
}

const prefixed = { shape: /^sha256=([0-9a-f]{64})$/, words: 'sha256=<64 hex digits>' }
const bare = { shape: /^([0-9a-f]{64})$/, words: '64 hex digits' }
const expect = (secret: string, body: Uint8Array) => macOf(secret, body).toString('hex')

/** GitHub, Bitbucket, Gitea and Forgejo, GitLab (signed, and by token), and whoever has no name. */
const proofs: readonly Proof[] = [
  { header: 'x-groundswell-signature', ...prefixed, expect },
  { header: 'x-hub-signature-256', ...prefixed, expect },
  { header: 'x-hub-signature', ...prefixed, expect },
  { header: 'x-gitea-signature', ...bare, expect },
  { header: 'x-forgejo-signature', ...bare, expect },
  { header: 'x-gogs-signature', ...bare, expect },
  {
    // Standard Webhooks: the time in it is not judged, for an old hint is as good as a new one.
    header: 'webhook-signature',
    shape: /^v1,([A-Za-z0-9+/]{43}=)$/,
    words: 'v1,<base64 of 32 bytes>',
    expect(secret, body, headers) {
      const [id, time] = [headers['webhook-id'], headers['webhook-timestamp']].map(String)
      const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
      return macOf(key, Buffer.concat([Buffer.from(`${id}.${time}.`), body])).toString('base64')
    },
  },
  {
    header: 'x-gitlab-token',
    shape: /^([^\p{Cc}]{1,4096})$/u,
    words: 'a token',
    expect: (secret) => secret,
  },
]

/**
 * Judges a webhook by the HMAC-SHA-256 of its raw body, in the header of any Git host we know;
 * GitLab's older hooks show the secret itself. Of several proofs every one has to hold. The body
 * is never read: a webhook says only "look now", and what is looked at is the configured ref (bad
 * input B61–B69).
 *
 * @param secrets those that are good now: two while one takes over from the other; without any,
 *   every webhook is refused
 */
export function judgeWebhook(
  headers: WebhookHeaders,
  body: Uint8Array,
  secrets: readonly string[],
): WebhookVerdict {
  if (body.byteLength > webhookBodyLimit) return refuse('its body is too large')
  // GitHub still sends SHA-1 beside the one that counts.
  const weak = String(headers['x-hub-signature']).startsWith('sha1=')
  const beside = weak && headers['x-hub-signature-256'] !== undefined
  const given = proofs.filter(
    ({ header }) => headers[header] !== undefined && !(beside && header === 'x-hub-signature'),
  )
  if (given.length === 0) {
    return refuse('it has no signature: give the Git host a secret to sign with')
  }
  for (const { header, shape, words } of given) {
    const value = headers[header]
    if (typeof value !== 'string' || !shape.test(value)) return refuse(`${header} is not ${words}`)
  }
  const known = secrets.filter((secret) => secret !== '')
  if (known.length === 0) {
    return refuse('no webhook secret is configured: --webhook-secret-file', noMatch)
  }
  const holds = known.some((secret) =>
    given.every(({ header, shape, expect }) => {
      const claimed = shape.exec(headers[header] as string)![1]!
      return isSame(claimed, expect(secret, body, headers))
    }),
  )
  return holds
    ? { accepted: true }
    : refuse('no secret of the hub makes this signature of this body', noMatch)
}

/** What is told where no secret made the signature, and where there is none at all. */
export const noMatch =
  'its signature is not one of this body by the secret the hub has; the log of the hub says more'

function refuse(reason: string, told = reason): WebhookVerdict {
  return { accepted: false, reason, told }
}

function macOf(key: string | Uint8Array, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest()
}

/** In a time that tells nothing of either, their lengths included (B70). */
function isSame(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(left!, right!)
}
