import { AgentError } from '../errors.ts'
import { backoffDelay } from './backoff.ts'
import type { Claimed } from './claim.ts'
import type { StoredIdentity } from './identity.ts'

export interface JoinDeps {
  readonly clock: () => number
  readonly random: () => number
  /** Resolves after `ms`, or at once when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

/** Tries again for as long as the hub is too busy to answer; anything else is for people. */
export async function insist<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  { random, sleep, log }: JoinDeps,
  passing: ReadonlySet<string> = new Set(['hub_busy']),
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AgentError) || !passing.has(error.code) || signal.aborted) throw error
      log.warn({ code: error.code }, `not yet: ${error.message}`)
      await sleep(backoffDelay({ failures, windowMs: 0, random: random() }), signal)
    }
  }
}

/** How often the fingerprint is said again while nobody approves. */
const remindMs = 5 * 60_000

/**
 * Asks, until it is given, for the certificate of an agent that somebody has to approve first.
 * Undefined when the signal fired before that.
 */
export async function awaitApproval(
  stored: StoredIdentity,
  ask: () => Promise<Claimed>,
  signal: AbortSignal,
  deps: JoinDeps,
): Promise<StoredIdentity | undefined> {
  const { cluster } = stored.identity
  let saidAt = -Infinity
  while (!signal.aborted) {
    if (deps.clock() - saidAt >= remindMs) {
      saidAt = deps.clock()
      const { fingerprint } = stored
      deps.log.info(
        { cluster, fingerprint },
        `waits for approval: swell cluster approve ${cluster} --fingerprint ${fingerprint}`,
      )
    }
    const passing = new Set(['hub_busy', 'hub_unreachable'])
    const claimed = await insist(ask, signal, deps, passing)
    if (claimed.pending) {
      await deps.sleep(claimed.retryMs, signal)
      continue
    }
    const { pending: _, ...rest } = stored
    const { certificateChain, hubCa, generation, dataAddress } = claimed
    const endpoint = { ...stored.endpoint, address: dataAddress, certificateChain, hubCa }
    return { ...rest, endpoint, generation, receivedAt: deps.clock() }
  }
  return undefined
}
