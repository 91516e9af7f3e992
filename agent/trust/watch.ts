import type { Freshness, Root } from '@groundswell/proto/statement.ts'
import { verifyFreshness } from './freshness.ts'
import type { Identity } from './state.ts'
import type { Accepted } from './verify.ts'

/** Time before the first statement counts as missing. */
const graceMs = 10 * 60_000
/** Shortest and longest time between two questions. */
const pace = { least: 1_000, most: 5 * 60_000 } as const
/** From a question that got no answer to the next one; twice as long each time. */
const unansweredMs = 5_000

export interface WatchDeps {
  readonly identity: Identity
  /** 32 random bytes. */
  readonly nonce: () => Uint8Array
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  /** Milliseconds since 1970, as this machine has it: believed only until a signer has spoken. */
  readonly clock: () => number
}

/** What an agent stands on. */
export interface Standing extends Accepted {
  readonly rootVersion: number
  /** Whether the snapshot of that sequence is at hand; it is unless this says no. */
  readonly held?: boolean
}

/**
 * Notices that news is withheld (T5), and knows the time from what was signed (F29). Stale says
 * only that nobody vouches for what is here as the newest: it stops and removes nothing.
 */
export function createWatch(deps: WatchDeps) {
  let asked: { readonly nonce: string; readonly at: number } | undefined
  /** Questions since the last answer that was believed. */
  let unanswered = 0
  /** The newest statement; `until` on the monotonic clock, counted from the question. */
  let told: { readonly freshness: Freshness; readonly until: number } | undefined
  let attested: { readonly time: number; readonly at: number } | undefined
  let floor = 0
  let freshUntil = deps.monotonic() + graceMs

  /** Whether the newest statement names what we stand on. */
  function isNamed(standing: Standing): boolean {
    if (!told || standing.held === false) return false
    const { rootVersion, epoch, sequence } = told.freshness
    if (rootVersion > standing.rootVersion || epoch > standing.epoch) return false
    return epoch < standing.epoch || sequence <= standing.sequence
  }

  /** What we stand on is what the newest statement names: it is fresh for as long as that lives. */
  function settle(standing: Standing): void {
    if (told && isNamed(standing)) freshUntil = Math.max(freshUntil, told.until)
  }

  function isDue(): boolean {
    if (!asked) return false
    const lifetime = told && (told.freshness.expiresAt - told.freshness.issuedAt) * 1000
    const half = Math.min(pace.most, Math.max(pace.least, (lifetime ?? pace.most * 2) / 2))
    const patience = unanswered > 0 ? unansweredMs * 2 ** (unanswered - 1) : half
    return deps.monotonic() - asked.at >= Math.min(half, patience)
  }

  return {
    /** A new nonce to ask with; only an answer to the latest counts. */
    ask(): Uint8Array {
      const nonce = deps.nonce()
      unanswered += 1
      asked = { nonce: Buffer.from(nonce).toString('base64url'), at: deps.monotonic() }
      return nonce
    },

    /**
     * Whether it is time to ask again: half of what the last answer lives has gone, or no answer
     * came, as from a signer that was away for a moment.
     */
    due: isDue,

    /** Whether the last answer still vouches for what we stand on, and it is too early to ask anew. */
    isAssured: (standing: Standing): boolean =>
      told !== undefined &&
      unanswered === 0 &&
      !isDue() &&
      deps.monotonic() < told.until &&
      isNamed(standing),

    /** @throws AgentError when the answer is not to be believed */
    async take(envelope: Uint8Array, root: Root, standing: Standing): Promise<Freshness> {
      const question = asked
      const nonce = question?.nonce ?? ''
      const freshness = await verifyFreshness(envelope, root, deps.identity, nonce, standing)
      // An answer that was held back has lost that much of its life.
      const at = question?.at ?? deps.monotonic()
      unanswered = 0
      told = { freshness, until: at + (freshness.expiresAt - freshness.issuedAt) * 1000 }
      attested = { time: freshness.issuedAt * 1000, at }
      settle(standing)
      return freshness
    },

    /** Whether the newest statement there was names what we stand on, however long ago that was. */
    isNamed,

    /** Whether nobody vouches any more for what we stand on as the newest. */
    stale(standing: Standing): boolean {
      settle(standing)
      return deps.monotonic() >= freshUntil
    },

    /** A time (in seconds) that was signed and accepted: it is not earlier now. */
    passed(seconds: number): void {
      floor = Math.max(floor, seconds * 1000)
    },

    /** Seconds that a signer attested; 0 before the first. What only this machine's clock says is no part of it. */
    attested(): number {
      if (!attested) return 0
      return Math.floor((attested.time + deps.monotonic() - attested.at) / 1000)
    },

    /** A new epoch cures what a stolen key said: of the time, and that what is here is the newest. */
    forget(): void {
      attested = undefined
      floor = 0
      told = undefined
      // Once more as after a start, so that the keys of this epoch can speak.
      freshUntil = Math.min(freshUntil, deps.monotonic() + graceMs)
    },

    /** Milliseconds since 1970, for judging expiry. */
    now(): number {
      const time = attested ? attested.time + deps.monotonic() - attested.at : deps.clock()
      return Math.max(floor, time)
    },
  }
}

export type Watch = ReturnType<typeof createWatch>
