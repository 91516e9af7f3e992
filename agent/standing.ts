import type { Root } from '@groundswell/proto/statement.ts'
import {
  type AcceptDeps,
  acceptOffer,
  adoptRootChain,
  contentOf,
  reopenAccepted,
} from './accept.ts'
import type { ReceivedOffer, Session } from './link/session.ts'
import { settleDoubt } from './trust/mirror.ts'
import type { TrustState } from './trust/state.ts'
import { createTurns } from './trust/turns.ts'
import type { VerifiedSnapshot } from './trust/verified.ts'
import { type WatchDeps, createWatch } from './trust/watch.ts'

export type StandingDeps = WatchDeps & Pick<AcceptDeps, 'root' | 'trust' | 'content' | 'identity'>

/** Where the agent is, as it tells the hub. */
export interface Position {
  readonly rootVersion: number
  readonly epoch: number
  readonly sequence: number
  /** Of the snapshot that it holds; empty when it holds none of that sequence. */
  readonly snapshotDigest: string
}

/**
 * What the agent stands on: the root statement, how far the sequence has come, the snapshot it
 * holds, and whether somebody vouches that this is the newest. Changes come one after another, in
 * the order the hub said them, and each is written down before it counts.
 */
export function createStanding(deps: StandingDeps) {
  let root = deps.root
  let state: TrustState
  let current: VerifiedSnapshot | null = null
  const watch = createWatch(deps)
  const turns = createTurns()
  const accepting = (): AcceptDeps => ({ ...deps, root, clock: () => watch.now() })
  const place = () => ({ ...state, rootVersion: root.version })

  return {
    /** Reads what was written down; `reopen` then opens what was accepted. */
    async load(): Promise<Pick<TrustState, 'doubt'>> {
      state = await deps.trust.load()
      return state
    },

    /** @throws AgentError when what was accepted does not hold any more; the hub is then asked for it */
    async reopen(): Promise<VerifiedSnapshot | null> {
      try {
        current = await reopenAccepted(state, accepting())
      } catch (error) {
        state = { ...state, snapshotDigest: null }
        throw error
      }
      if (current) watch.passed(current.snapshot.issuedAt)
      return current
    },

    /** @throws AgentError with the code that the verdict will carry */
    async accept(
      offered: ReceivedOffer,
      session: Pick<Session, 'fetch'>,
    ): Promise<VerifiedSnapshot> {
      const { envelope } = offered
      const verified = await turns.take(async () => {
        const accepted = await acceptOffer(envelope, state, session, accepting(), offered)
        state = accepted.state
        return accepted.verified
      })
      current = verified
      watch.passed(verified.snapshot.issuedAt)
      return verified
    },

    /** Drops content that the snapshot at hand has no use for. */
    sweep: (): Promise<void> => deps.content.sweep(current ? contentOf(current) : new Set()),

    /** Follows root statements to the newest. @throws AgentError when they do not follow */
    async adopt(envelopes: readonly Uint8Array[]): Promise<Root> {
      await turns.take(async () => {
        const adopted = await adoptRootChain(envelopes, state, accepting())
        ;({ root, state } = adopted)
      })
      return root
    },

    /** Takes the answer to the latest question. @throws AgentError when it is not to be believed */
    async take(freshness: Uint8Array): Promise<void> {
      await turns.take(async () => {
        const settled = settleDoubt(state, await watch.take(freshness, root, place()))
        // Written down with the snapshot it names, unless that is here already.
        if (settled !== state && settled.sequence === state.sequence) await deps.trust.save(settled)
        state = settled
      })
    },

    /** A new nonce to ask by whether this is the newest. */
    ask: (): Uint8Array => watch.ask(),
    /** Whether it is time to ask. */
    due: (): boolean => watch.due(),
    /** Whether nobody vouches any more for this as the newest. */
    stale: (): boolean => watch.stale(place()),
    current: (): VerifiedSnapshot | null => current,

    position(): Position {
      const { epoch, sequence, snapshotDigest } = state
      return { rootVersion: root.version, epoch, sequence, snapshotDigest: snapshotDigest ?? '' }
    },
  }
}
