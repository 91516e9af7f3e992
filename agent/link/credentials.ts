import { AgentError } from '../errors.ts'
import type { Claimed } from './claim.ts'
import type { Endpoint } from './grpc.ts'
import type { NextCertificate, StoredIdentity } from './identity.ts'
import { isCertificateOf, type Life, lifeOf, mayBeOver, renewAt } from './renewal.ts'
import type { CertificateKey } from './x509.ts'

export interface CredentialsDeps {
  readonly stored: StoredIdentity
  /** Returns once it is durable. */
  readonly save: (stored: StoredIdentity) => Promise<void>
  /** @throws AgentError `another_agent` when another process took this identity over */
  readonly confirm?: () => Promise<void>
  readonly createKey: () => Promise<CertificateKey>
  /** Missing when nobody knows where to claim. */
  readonly claim?: (stored: StoredIdentity, certificateRequest: Uint8Array) => Promise<Claimed>
  readonly clock: () => number
  /** Milliseconds of a clock that nobody sets; for what is waited for. */
  readonly monotonic: () => number
  readonly random: () => number
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

/** How an agent keeps proving who it is. */
export interface Credentials {
  /** To dial with now. */
  endpoint(): Endpoint
  /** Of the certificate dialled with. */
  generation(): number
  /** The hub took it: what was kept beside it is dropped. */
  accepted(): Promise<void>
  /**
   * The hub did not take it, or cannot be reached. True when a new one was claimed: dial at once.
   * @throws AgentError `another_agent`
   */
  failed(code: string): Promise<boolean>
  /** What to ask on the live stream, when it is time to. */
  renewal(): Promise<{ certificateRequest: Uint8Array; generation: bigint } | undefined>
  /** The hub's answer; to be dialled with once this returned. */
  renewed(answer: Renewed): Promise<void>
  /** How often to ask whether it is time. */
  readonly checkEveryMs: number
}

export interface Renewed {
  readonly certificateChain: string
  readonly generation: bigint | number
  readonly hubCa: string
}

const claimRetryMs = { first: 2_000, longest: 300_000 } as const
/** An answer to a renewal is waited for this long; a short-lived certificate has less time. */
const answerMs = 60_000
const checkMs = 60_000

/**
 * Renews the certificate over the live stream well before it ends, keeps the old one until the new
 * one has worked, and claims one by the bound key when it is too late for that. Each key is written
 * down before it is used: after a crash the same question is asked again, not another.
 */
export function createCredentials(deps: CredentialsDeps): Credentials {
  const { clock, monotonic, log } = deps
  let stored = withoutForeign(deps.stored)
  let life: Life = lifeOf(stored.endpoint.certificateChain, stored.receivedAt ?? clock())
  let dueAt = renewAt(life, deps.random())
  /** The next one is tried first; when that fails, they take turns. */
  let trying: 'next' | 'current' = 'next'
  let askedAt: number | undefined
  /** On the monotonic clock. */
  let claimAt = 0
  let claimWaitMs: number = claimRetryMs.first

  const refused = new Set<'next' | 'current'>()

  function canWork(): boolean {
    const now = clock()
    if (!refused.has('current') && !mayBeOver(life, now)) return true
    const ready = stored.next?.issued
    if (!ready || refused.has('next')) return false
    return !mayBeOver(lifeOf(ready.certificateChain, ready.receivedAt), now)
  }

  const issued = () => (trying === 'next' ? stored.next?.issued : undefined)

  async function keep(next: StoredIdentity): Promise<void> {
    await deps.save(next)
    stored = next
  }

  /** The key of the next certificate: the one that waits, or a fresh one. */
  async function nextKey(fresh: boolean): Promise<NextCertificate> {
    if (stored.next && !(fresh && stored.next.issued)) return stored.next
    const { key, certificateRequest } = await deps.createKey()
    const request = Buffer.from(certificateRequest).toString('base64')
    const next = { key, request, issued: null }
    await keep({ ...stored, next })
    return next
  }

  /** False for one of another key: an answer may come late, when another was asked for since. */
  async function take(answer: Renewed): Promise<boolean> {
    const { next } = stored
    const { certificateChain, hubCa } = answer
    if (!next || !isCertificateOf(certificateChain, next.key)) return false
    const generation = Number(answer.generation)
    await keep({
      ...stored,
      next: { ...next, issued: { certificateChain, hubCa, generation, receivedAt: clock() } },
    })
    refused.delete('next')
    trying = 'next'
    return true
  }

  async function recover(): Promise<boolean> {
    if (!deps.claim || monotonic() < claimAt) return false
    try {
      const { request } = await nextKey(true)
      const claimed = await deps.claim(stored, Buffer.from(request, 'base64'))
      if (claimed.pending) throw new AgentError('pending_approval', 'the hub waits for approval')
      await keep({ ...stored, endpoint: { ...stored.endpoint, address: claimed.dataAddress } })
      if (!(await take(claimed))) {
        throw new AgentError('identity_refused', 'the hub answered with one for another key')
      }
      claimWaitMs = claimRetryMs.first
      claimAt = monotonic() + claimWaitMs
      log.info({ generation: claimed.generation }, 'a new certificate was claimed by the bound key')
      return true
    } catch (error) {
      claimAt = monotonic() + claimWaitMs
      claimWaitMs = Math.min(claimWaitMs * 2, claimRetryMs.longest)
      const { code, message } = error as AgentError
      log.warn({ code }, `no new certificate: ${message}`)
      return false
    }
  }

  async function accept(): Promise<void> {
    askedAt = undefined
    claimWaitMs = claimRetryMs.first
    const isReplaced = refused.has('next')
    refused.clear()
    const ready = issued()
    if (!stored.next) return
    const { next, ...rest } = stored
    if (!ready) {
      // The hub answered once more since, and knows only what it answered last: for the same key it is got again.
      if (isReplaced && next.issued) await keep({ ...rest, next: { ...next, issued: null } })
      return
    }
    const { certificateChain, hubCa, generation, receivedAt } = ready
    const endpoint = { ...stored.endpoint, certificateChain, hubCa, key: next.key }
    await keep({ ...rest, endpoint, generation, receivedAt })
    life = lifeOf(certificateChain, receivedAt)
    dueAt = renewAt(life, deps.random())
    log.info({ generation }, 'the new certificate is in use')
  }

  async function fail(code: string): Promise<boolean> {
    askedAt = undefined
    // A stream also ends because a newer one took over: perhaps it is another pod's.
    await deps.confirm?.().catch((error: unknown) => {
      if (error instanceof AgentError && error.code === 'another_agent') throw error
    })
    if (code === 'identity_refused') refused.add(issued() ? 'next' : 'current')
    trying = trying === 'next' ? 'current' : 'next'
    // One that was claimed and has not been taken yet is worth more tries, not another claim.
    // A claim is answered by whoever has the hub's certificate: none is made while its time is doubted.
    const mayClaim = code !== 'locked' && code !== 'hub_certificate_time'
    return mayClaim && !canWork() && recover()
  }

  async function ask(): ReturnType<Credentials['renewal']> {
    const [now, at] = [clock(), monotonic()]
    const waiting = askedAt !== undefined && at - askedAt < Math.min(answerMs, life.lengthMs / 8)
    if (waiting || stored.next?.issued || (now < dueAt && now >= life.from)) return undefined
    askedAt = at
    const { request } = await nextKey(false)
    return {
      certificateRequest: Uint8Array.from(Buffer.from(request, 'base64')),
      generation: BigInt(stored.generation ?? 0),
    }
  }

  /** Each change begins from what the one before has written down. */
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const mine = turn.then(change)
    turn = mine.catch(() => undefined)
    return mine
  }

  return {
    get checkEveryMs() {
      return Math.min(checkMs, Math.ceil(life.lengthMs / 20))
    },
    endpoint() {
      const ready = issued()
      if (!ready || !stored.next) return stored.endpoint
      const { certificateChain, hubCa } = ready
      return { ...stored.endpoint, certificateChain, hubCa, key: stored.next.key }
    },
    generation: () => issued()?.generation ?? stored.generation ?? 0,

    accepted: () => inTurn(accept),
    failed: (code) => inTurn(() => fail(code)),
    renewal: () => inTurn(ask),
    renewed: (answer) =>
      inTurn(async () => {
        askedAt = undefined
        if (await take(answer)) return
        log.warn({}, 'a certificate for another key came, and is not used')
      }),
  }
}

/** A process before this one may have kept what was not its key's; asked for again, it is got. */
function withoutForeign(stored: StoredIdentity): StoredIdentity {
  const { next } = stored
  if (!next?.issued || isCertificateOf(next.issued.certificateChain, next.key)) return stored
  return { ...stored, next: { ...next, issued: null } }
}
