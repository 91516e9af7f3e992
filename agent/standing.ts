import type { Digest } from '@groundswell/proto/digest.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import {
  type AcceptDeps,
  acceptOffer,
  adoptRootChain,
  contentOf,
  reopenContent,
  reopenStatement,
} from './accept.ts'
import { AgentError } from './errors.ts'
import type { ReceivedOffer, Session } from './link/session.ts'
import {
  type KeptSnapshot,
  type KeptStore,
  keepNeeded,
  keptLimit,
  leavesHooks,
} from './trust/kept.ts'
import { type Evidence, type EvidenceStore, addEvidence, evidenceOf } from './trust/evidence.ts'
import { settleDoubt } from './trust/mirror.ts'
import type { TrustState } from './trust/state.ts'
import { createTurns } from './trust/turns.ts'
import type { VerifiedSnapshot } from './trust/verified.ts'
import { type WatchDeps, createWatch } from './trust/watch.ts'
import { type Witness, witnessHead } from './trust/witness.ts'

export type StandingDeps = WatchDeps &
  Pick<AcceptDeps, 'root' | 'trust' | 'content' | 'identity'> & {
    readonly evidence?: EvidenceStore
    /** Without it, what a hold keeps running is not healed after a restart. */
    readonly kept?: KeptStore
    /** Two things were signed for one sequence. */
    readonly onEquivocation: (evidence: Evidence) => void
  }

/** The attested time is written down when it has gone on by this much; seconds. */
const floorStep = 60

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
  const isHeld = (): boolean => state.sequence === 0 || current?.digest === state.snapshotDigest
  const place = () => ({ ...state, rootVersion: root.version, held: isHeld() })

  /** Accepted before `current`, and still of use: something of them runs, kept by a hold. */
  let earlier: readonly KeptSnapshot[] = []
  let evidence: readonly Evidence[] = []
  /** The head of the ledger was told lower than before, so far once. */
  let below = false

  /** Keeps both statements when there are two for one sequence. */
  async function keepEvidence(fault: unknown, refused: Uint8Array): Promise<void> {
    if (!(fault instanceof AgentError) || fault.code !== 'equivocation') return
    const found = evidenceOf(state, refused)
    if (!found) return
    evidence = addEvidence(evidence, found)
    deps.onEquivocation(found)
    // Where it cannot be written the hub has it all the same.
    await deps.evidence?.save(evidence).catch(() => {})
  }

  /** Goes on to what a freshness statement settled; written down when that says anything new. */
  async function keep(settled: TrustState, seen: Witness): Promise<void> {
    const { auditHead, auditFault } = seen
    const attested = watch.attested()
    const later = attested >= (state.timeFloor ?? 0) + floorStep
    const next: TrustState = {
      ...settled,
      ...(later ? { timeFloor: attested } : {}),
      ...(auditHead ? { auditHead } : {}),
      ...(auditFault ? { auditFault } : {}),
    }
    below = seen.below ?? false
    const same = settled === state && !later
    if (same && auditHead === state.auditHead && auditFault === state.auditFault) return
    await deps.trust.save(next)
    state = next
  }

  /** As they were written down last. */
  let saved: readonly Uint8Array[] = []

  /** Each judged again; one that does not hold any more is no loss but of healing. */
  async function reopenKept(): Promise<readonly KeptSnapshot[]> {
    const envelopes = (await deps.kept?.load().catch(() => [])) ?? []
    const found: KeptSnapshot[] = []
    for (const envelope of envelopes) {
      try {
        // It was accepted under the root statement of its time, which may be the one before.
        const checked = await reopenStatement({ ...state, envelope }, accepting())
        if (checked) found.push({ envelope, snapshot: await reopenContent(checked, deps.content) })
      } catch {
        // Its keys were replaced, or content of it is gone.
      }
    }
    saved = envelopes
    return found
  }

  /** A removal may have to run what its application's last content says, also after a restart. */
  async function keepDeparting(before: KeptSnapshot | null, next: VerifiedSnapshot): Promise<void> {
    if (!before || !leavesHooks(before.snapshot, next)) return
    const envelopes = [before, ...earlier].map(({ envelope }) => envelope).slice(0, keptLimit)
    await deps.kept?.save(envelopes)
    saved = envelopes
  }

  return {
    /** Reads what was written down; `reopen` then opens what was accepted. */
    async load(): Promise<Pick<TrustState, 'doubt'>> {
      state = await deps.trust.load()
      evidence = (await deps.evidence?.load().catch(() => [])) ?? []
      watch.passed(state.timeFloor ?? 0)
      return state
    },

    /** @throws AgentError when what was accepted does not hold any more; the hub is then asked for it */
    async reopen(): Promise<VerifiedSnapshot | null> {
      const checked = await reopenStatement(state, accepting()).catch((error: unknown) => {
        // The mark stands, and the same snapshot may be offered again; nothing counts as approved.
        state = { ...state, envelope: null, approvals: [] }
        throw error
      })
      current = checked && (await reopenContent(checked, deps.content))
      earlier = await reopenKept()
      if (current) watch.passed(current.snapshot.issuedAt)
      return current
    },

    /** @throws AgentError with the code that the verdict will carry */
    async accept(
      offered: ReceivedOffer,
      session: Pick<Session, 'fetch'>,
    ): Promise<VerifiedSnapshot> {
      const { envelope } = offered
      const before =
        state.envelope && current ? { envelope: state.envelope, snapshot: current } : null
      const verified = await turns.take(async () => {
        try {
          const beforeAccepted = (next: VerifiedSnapshot) => keepDeparting(before, next)
          const deps = { ...accepting(), unread: current === null, beforeAccepted }
          const accepted = await acceptOffer(envelope, state, session, deps, offered)
          state = accepted.state
          return accepted.verified
        } catch (error) {
          await keepEvidence(error, envelope)
          throw error
        }
      })
      if (before && before.snapshot.digest !== verified.digest) earlier = [before, ...earlier]
      current = verified
      watch.passed(verified.snapshot.issuedAt)
      return verified
    },

    /** Content that an agent kept on its disk alone is kept as what is accepted now. */
    async keep(): Promise<void> {
      if (current) await deps.content.keep?.(contentOf(current))
    },

    /** Drops content that neither the snapshot at hand nor what is `kept` by a hold has a use for. */
    async sweep(kept: ReadonlySet<Digest>): Promise<void> {
      earlier = keepNeeded(earlier, kept)
      const envelopes = earlier.map(({ envelope }) => envelope)
      if (envelopes.length !== saved.length || envelopes.some((one, at) => one !== saved[at])) {
        // Before content goes; where it cannot be written, only a restart ends the healing.
        await deps.kept?.save(envelopes).catch(() => {})
        saved = envelopes
      }
      const snapshots = [...(current ? [current] : []), ...earlier.map(({ snapshot }) => snapshot)]
      await deps.content.sweep(new Set(snapshots.flatMap((one) => [...contentOf(one)])))
    },
    /** Snapshots accepted before, of which something still runs. */
    earlier: (): readonly VerifiedSnapshot[] => earlier.map(({ snapshot }) => snapshot),

    /** Follows root statements to the newest. @throws AgentError when they do not follow */
    async adopt(envelopes: readonly Uint8Array[]): Promise<Root> {
      await turns.take(async () => {
        const { epoch } = root
        const adopted = await adoptRootChain(envelopes, state, accepting())
        ;({ root, state } = adopted)
        if (root.epoch > epoch) watch.forget()
      })
      return root
    },

    /** Takes the answer to the latest question. @throws AgentError when it is not to be believed */
    async take(freshness: Uint8Array): Promise<void> {
      await turns.take(async () => {
        try {
          const told = await watch.take(freshness, root, place())
          await keep(settleDoubt(state, told), witnessHead({ ...state, below }, told))
        } catch (error) {
          await keepEvidence(error, freshness)
          throw error
        }
      })
    },

    /** A new nonce to ask by whether this is the newest. */
    ask: (): Uint8Array => watch.ask(),
    /**
     * What to ask by on a new stream; empty when the signer has vouched for this a short while ago. The
     * hub may be another one: whether it is behind shows by what the agent tells it, and at the next
     * question, which comes no later for the new stream.
     */
    greet(): Uint8Array {
      const settled = state.doubt === undefined && !below && watch.isAssured(place())
      return settled ? new Uint8Array() : watch.ask()
    },
    /** Milliseconds since 1970 by a signer's word; undefined before there was one. */
    time: (): number | undefined => (watch.attested() > 0 ? watch.now() : undefined),
    /** Whether it is time to ask. */
    due: (): boolean => watch.due(),
    /** Whether nobody vouches any more for this as the newest. */
    stale: (): boolean => watch.stale(place()),
    /** Whether a signer has said since the start that this is the newest, however long ago. */
    isVouched: (): boolean => watch.isNamed(place()),
    current: (): VerifiedSnapshot | null => current,
    /** Whether there is a verified snapshot to go on from, or a signer has said that there is none. */
    isSettled: (): boolean => current !== null || (watch.attested() > 0 && watch.isNamed(place())),

    evidence: (): readonly Evidence[] => evidence,
    /** What was seen of the hub's ledger. */
    witness: (): Pick<TrustState, 'auditHead' | 'auditFault'> => state,

    position(): Position {
      const { epoch, sequence, snapshotDigest } = state
      const digest = isHeld() ? snapshotDigest : null
      return { rootVersion: root.version, epoch, sequence, snapshotDigest: digest ?? '' }
    },
  }
}

export type Standing = ReturnType<typeof createStanding>
