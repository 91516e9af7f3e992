import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HubError } from '../errors.ts'
import { principalOf } from './auth.ts'

/** What became of a request that named a key. */
export interface Outcome {
  /** Digest of what was asked: the key is for that alone. */
  readonly asked: string
  /** Null while it is being carried out. */
  readonly answer: { readonly status: number; readonly body: string } | null
}

/** Keys that callers gave, for a day; of each caller no more than the newest. */
export interface IdempotencyStore {
  /** Takes the key for this request; or what has it already. */
  claim(key: string, asked: string): Promise<Outcome | null>
  /** @param caller whose key it is, in hex: of the same one the oldest make room */
  settle(key: string, outcome: Outcome, caller: string): Promise<void>
  /** It was not carried out: the key is free again. */
  release(key: string): Promise<void>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the key that this request took, if it named one. */
    idempotency: { readonly key: string; readonly asked: string; readonly caller: string } | null
  }
  interface FastifyContextConfig {
    /** The answer is a secret: it is shown once and kept nowhere. */
    secret?: boolean
  }
}

/** Characters of an answer that are kept; a longer one is told from its key by a conflict. */
const longestAnswer = 256 * 1024

/**
 * A POST with an `Idempotency-Key` is carried out once: asked again by the same caller it has the
 * first one's answer. The key with another body is refused (B78).
 *
 * @throws HubError `invalid`, `conflict`
 */
export async function claimKey(
  request: FastifyRequest,
  reply: FastifyReply,
  store: IdempotencyStore,
): Promise<FastifyReply | undefined> {
  const given = request.headers['idempotency-key']
  if (given === undefined || request.method !== 'POST' || !request.principal) return undefined
  if (typeof given !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(given)) {
    throw new HubError('invalid', 'Idempotency-Key: 1 to 128 visible characters')
  }
  const { actor } = principalOf(request)
  const key = digest(actor, given)
  const asked = digest(request.method, request.url, JSON.stringify(request.body ?? null))
  const before = await store.claim(key, asked)
  if (before === null) {
    request.idempotency = { key, asked, caller: digest(actor) }
    return undefined
  }
  if (before.asked !== asked) {
    throw new HubError('conflict', 'Idempotency-Key: it was used for another request')
  }
  if (before.answer === null) {
    throw new HubError('conflict', 'Idempotency-Key: that request is still being carried out')
  }
  if (before.answer.body === '' && before.answer.status !== 204) {
    throw new HubError('conflict', 'Idempotency-Key: that was done; its answer was shown only then')
  }
  return reply
    .code(before.answer.status)
    .header('idempotency-replayed', 'true')
    .type('application/json; charset=utf-8')
    .serializer((text: string) => text)
    .send(before.answer.body)
}

/** Keeps what was answered, for the next one who asks the same. */
export async function settleKey(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  store: IdempotencyStore,
): Promise<void> {
  const taken = request.idempotency
  if (!taken) return
  request.idempotency = null
  const status = reply.statusCode
  // What was refused changed nothing: it may be right the next time.
  if (status >= 300) return store.release(taken.key)
  const secret = request.routeOptions.config.secret === true
  const text = typeof payload === 'string' ? payload : ''
  const body = secret || text.length > longestAnswer ? '' : text
  await store.settle(taken.key, { asked: taken.asked, answer: { status, body } }, taken.caller)
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
