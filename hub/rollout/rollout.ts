import type { Digest } from '@groundswell/proto/digest.ts'
import type { DeletionPolicy } from '@groundswell/proto/manifest.ts'
import type { Sparing } from '@groundswell/proto/statement.ts'
import type { RolloutStrategySpec } from '../fleet/kinds/rollout-strategy.ts'
import type { GateAnswer, GateState } from './gate/gate-state.ts'
import type { GatePlace, GateSide, MeasuredGate, PlannedGate } from './gate/planned-gate.ts'

/* The types of a rollout. Plan: frozen when it is made. Run: what the step function moves. */

/** What a cluster should run of one application, or a tombstone when `digest` is null. */
export interface Content extends Sparing {
  readonly digest: Digest | null
  /** Bytes of the manifest; 0 for a tombstone. */
  readonly size: number
  readonly revision: string
  /** Of a tombstone: what the manifest it takes away asked for; `Delete` when left out. */
  readonly deletionPolicy?: DeletionPolicy
}

export interface RolloutTarget extends Content {
  /** What the cluster was assigned before this rollout, with what that left; null when it had nothing. */
  readonly previous: Content | null
  /** Other applications whose objects it gets there, and what they have as long as they have not let go of them. */
  readonly from?: Readonly<Record<string, Digest>>
}

export type OnFailure = 'pause' | 'rollback' | 'continue'
export type Offline = 'skip' | 'wait' | 'fail'

/** Limits are counts by now: percentages were resolved when the plan was made. */
export interface PlannedWave {
  readonly name: string
  /** In the order they go. */
  readonly clusters: readonly string[]
  readonly maxConcurrent: number
  readonly maxFailures: number
  /** No failure of it is gone past, though the rollout continues past others. */
  readonly mandatory?: true
  /** Milliseconds a cluster must stay healthy before it counts as succeeded. */
  readonly soak: number
  /** Milliseconds from the offer until a cluster that is not healthy has timed out. */
  readonly progressDeadline: number
  readonly before: readonly PlannedGate[]
  readonly after: readonly PlannedGate[]
}

/** A strategy, and what it is called in Git where it is not the application's own. */
export interface KeptStrategy {
  readonly name?: string
  readonly spec: RolloutStrategySpec
}

export interface RolloutPlan {
  readonly id: string
  readonly application: string
  /** Revision of the content that is rolled out. */
  readonly revision: string
  /** Revision of the fleet repository it was made from; with `revision`, enough to render it again. */
  readonly fleetRevision?: string
  /** Digest over cluster → content, so that the same bad content can be held. */
  readonly contentDigest: Digest
  readonly createdAt: number
  /** Who made the commit, as Git has it: `Name <address>`. */
  readonly author?: string
  /** Where a gate asks for somebody else: all who made a commit that it brings; null where nobody can tell. */
  readonly authors?: readonly string[] | null
  readonly trigger: {
    readonly kind: 'commit' | 'api' | 'rollback' | 'catchUp'
    readonly actor: string
    /** The person who made the token that it was started with. */
    readonly madeBy?: string
    readonly reason: string
  }
  readonly targets: Readonly<Record<string, RolloutTarget>>
  readonly waves: readonly PlannedWave[]
  /** Failures over all waves that are still tolerated. */
  readonly maxFailures: number
  readonly onFailure: OnFailure
  readonly offline: Offline
  /** Milliseconds a cluster may be away before it is unreachable; 30 s when left out. */
  readonly offlineGrace?: number
  readonly supersede: 'replace' | 'queue'
  /** Whether it starts without a person's word, should its hub die before it had started it. */
  readonly starts?: true
  /** The rollout that a person had paused, and that this was not to go on with: it starts once that went on. */
  readonly behind?: string
  /** The wave of which no cluster could be given it: it waits until one can, or for a person's word. */
  readonly leftOut?: string
  /** Clusters that its application is placed on and that were to be given nothing as it was made: suspended, or revoked. */
  readonly aside?: readonly string[]
  /** The Project that its application was in, named or not; of one that left Git, the last. */
  readonly project?: string
  /** How its application is rolled out, where Git says anything of that: of one that left Git, as it was last. */
  readonly strategy?: KeptStrategy
  /** Applications that its application depends on; of one that left Git, as it was last. */
  readonly dependsOn?: readonly string[]
  /** Of one that left Git: applications beside it that could not be rendered before; it waits for none of them. */
  readonly brokenBeside?: readonly string[]
  /** Whether its application lets its objects go when it goes: so does a rollback to where it was not yet. */
  readonly orphans?: true
  /** Whether a pull request is to undo its commit when it was rolled back. */
  readonly revert?: true
}

export type RolloutPhase =
  | 'Planned'
  | 'Progressing'
  | 'Paused'
  | 'RollingBack'
  | 'Succeeded'
  | 'Failed'
  | 'RolledBack'
  | 'Aborted'
  | 'Superseded'

export const finalPhases: ReadonlySet<RolloutPhase> = new Set([
  'Succeeded',
  'Failed',
  'RolledBack',
  'Aborted',
  'Superseded',
])

export type ClusterOutcome =
  'Succeeded' | 'Failed' | 'TimedOut' | 'Unreachable' | 'Vetoed' | 'Skipped'

/** Where one cluster is in a rollout. Times are milliseconds by the hub's clock. */
export type ClusterProgress =
  | {
      readonly state: 'Pending'
      /** It has the content from an earlier turn in this rollout: a rollback takes that back. */
      readonly generation?: number
    }
  | {
      readonly state: 'Offered'
      readonly generation: number
      readonly offeredAt: number
      /** Its agent has it, and somebody there has it wait: no deadline counts meanwhile. */
      readonly postponed?: true
    }
  | {
      readonly state: 'Soaking'
      readonly generation: number
      readonly offeredAt: number
      readonly healthySince: number
    }
  | {
      readonly state: 'Done'
      readonly outcome: ClusterOutcome
      readonly generation: number
      readonly at: number
      readonly message: string
      /** What it had was assigned again: it refused what it was offered. */
      readonly withdrawn?: true
      /** What was withdrawn was never sent. */
      readonly unsent?: true
      /** Passed over since it is given nothing new (suspended, detached, revoked): it catches up later. */
      readonly closed?: true
    }
  | {
      readonly state: 'Reverting'
      readonly generation: number
      readonly offeredAt: number
      /** The outcome that was undone, if there was one. */
      readonly outcome: ClusterOutcome | null
    }
  | {
      readonly state: 'Reverted'
      readonly generation: number
      readonly at: number
      readonly outcome: ClusterOutcome | null
      /** Why the cluster did not confirm it, when it did not (unreachable, past its deadline). */
      readonly unconfirmed?: string
    }

export interface Approval {
  readonly wave: number
  readonly gate: GateSide
  readonly actor: string
  readonly at: number
  readonly reason: string
  /** Of those the gate asks for, the roles its giver had; missing of one from before they were kept: any. */
  readonly roles?: readonly string[]
  /** The person who made the token that it was given with, and counts as one with it. */
  readonly madeBy?: string
}

/** The moving part of a rollout; `version` rises by one with every transition (compare and swap). */
export interface RolloutRun {
  readonly id: string
  readonly version: number
  readonly phase: RolloutPhase
  /** Index of the wave in hand. */
  readonly wave: number
  /** Set while the wave's clusters are moving; null while a before-gate holds it. */
  readonly waveStartedAt: number | null
  readonly approvals: readonly Approval[]
  /** By `gateKey`: the gates that are no approvals, from when the rollout came to them. */
  readonly gates: Readonly<Record<string, GateState>>
  readonly clusters: Readonly<Record<string, ClusterProgress>>
  readonly startedAt: number | null
  /** Who had it begin: their `actor`, and of a token who made that. */
  readonly startedBy?: readonly string[]
  readonly finishedAt: number | null
  /** Why it is where it is, in one sentence. */
  readonly message: string
}

/** A local veto over one application on one cluster, as its agent told it. */
export interface Veto {
  /** True refuses what is offered; false has it wait. */
  readonly refuse: boolean
  /** Milliseconds, by the agent's clock; null until it is released. */
  readonly until: number | null
  /** Who says so and why. */
  readonly words: string
}

/** What the step function looks at of a cluster: only facts keyed to digest and generation. */
export interface ClusterObservation {
  readonly connected: boolean
  /** Milliseconds; when the connection state last changed. */
  readonly since: number
  /** A local veto over the application; null when there is none, left out while that is not known. */
  readonly veto?: Veto | null
  /** Why it is given nothing at all, in words; null when it is, left out while that is not known. */
  readonly closed?: string | null
  /** Why it may be offered nothing new now, and until when if that is known. */
  readonly withheld?: { readonly until: number | null; readonly reason: string } | null
  /** The application together with which alone it can have what it was offered, while that is to be offered yet. */
  readonly awaits?: string | null
  /** The hub has just begun, and not decided on Git: what it finds to await another may long have been sent. */
  readonly unsettled?: true
  /** It had told of the application, and has come back since and not yet told of it again. */
  readonly unheard?: true
  /** Refusal of the snapshot that carries this rollout's content, if any. */
  readonly refusal: string | null
  readonly application: {
    readonly digest: Digest | null
    readonly generation: number
    readonly phase: 'Pending' | 'Applying' | 'Applied' | 'Failed' | 'Removed'
    readonly health: 'Unknown' | 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'NotFound'
    /** First error or unhealthy object, in words. */
    readonly message: string
    /** Content the agent has accepted and that a local veto keeps from being applied. */
    readonly held?: { readonly digest: Digest | null; readonly generation: number }
  } | null
}

export interface ApproveAction {
  readonly kind: 'approve'
  /** Of whoever gives it, as far as the gate asks for them. */
  readonly roles?: readonly string[]
  /** What else whoever gives it is called. */
  readonly names?: readonly string[]
  /** The person who made the token that it is given with. */
  readonly madeBy?: string
  /** The gate that whoever gives it has seen; the one it waits at when left out. */
  readonly at?: GatePlace
}

export type RolloutAction =
  /** `madeBy` as of an approval. */
  | { readonly kind: 'start'; readonly madeBy?: string }
  | ApproveAction
  /** Opens the gates it waits at that are no approvals. */
  | { readonly kind: 'promote'; readonly at?: GatePlace }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'skip'; readonly cluster: string }
  | { readonly kind: 'supersede'; readonly by: string }

export type RolloutEvent =
  | { readonly kind: 'observe' }
  | {
      readonly kind: 'action'
      readonly action: RolloutAction
      readonly actor: string
      readonly reason: string
    }
  /** An answer to a `Measurement`; one that nobody waits for any more changes nothing. */
  | {
      readonly kind: 'measured'
      readonly gate: string
      readonly since: number
      readonly opening?: number
      readonly round: number
      readonly answer: GateAnswer
    }

/** What the world must do after a step. Carried out at least once; all are idempotent. */
export type RolloutEffect =
  | {
      readonly kind: 'assign'
      readonly cluster: string
      readonly content: Content
      readonly generation: number
    }
  | { readonly kind: 'hold'; readonly contentDigest: Digest; readonly reason: string }

/**
 * A question to the outside. Said in every step until it is answered, so that none is ever lost;
 * `gate`, `opening` and `round` name it.
 */
export interface Measurement {
  readonly gate: string
  /** When and in which step the gate began to hold, and how many answers it counted since. */
  readonly since: number
  readonly opening?: number
  readonly round: number
  readonly planned: MeasuredGate
  readonly wave: string
  /** The wave's clusters that are measured. */
  readonly clusters: readonly string[]
}

export interface StepResult {
  readonly run: RolloutRun
  readonly effects: readonly RolloutEffect[]
  /** What has to be asked now, if it is not being asked already. */
  readonly measurements: readonly Measurement[]
  /** When to look again even if nothing happens; null when only an event can change anything. */
  readonly recheckAt: number | null
  /** One sentence for each thing the rollout waits for. */
  readonly waitingFor: readonly string[]
}

/** What a cluster should run of an application, as last decided. */
export interface Assignment extends Content {
  readonly cluster: string
  readonly application: string
  readonly generation: number
  readonly rollout: string
}

/** Content that failed and must not be rolled out again by itself. */
export interface Hold {
  readonly application: string
  readonly contentDigest: Digest
  readonly revision: string
  readonly rollout: string
  /** Rollouts that were rolled back before, and of which Git asked still; the newest first. */
  readonly earlier?: readonly string[]
  readonly at: number
  readonly reason: string
}
