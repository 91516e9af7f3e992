import type { PlannedWave, RolloutPlan } from '../rollout.ts'

/* Gates as a plan freezes them: every default filled in, times in milliseconds. */

export interface ApprovalGate {
  readonly kind: 'approval'
  readonly role: string
  /** Different people; 1 when left out. */
  readonly count?: number
  /** Neither who made a commit that it brings nor who started the rollout counts. */
  readonly notAuthor?: true
}

export interface SoakGate {
  readonly kind: 'soak'
  readonly duration: number
}

/** A MetricTemplate as it was when the plan was made. */
export interface MetricGate {
  readonly kind: 'metric'
  readonly template: string
  readonly address: string
  /** Name of a credential of the hub's own configuration. */
  readonly credential?: string
  /** With its `${…}`; `labels` has what they name of a cluster. */
  readonly query: string
  readonly per: 'cluster' | 'wave'
  /** By cluster: the labels that the query names. */
  readonly labels: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly success: { readonly min?: number; readonly max?: number }
  readonly interval: number
  readonly count: number
  readonly failureLimit: number
  readonly missing: 'fail' | 'pass' | 'wait'
  readonly timeout: number
}

export interface CelGate {
  readonly kind: 'cel'
  readonly expression: string
  readonly message?: string
  readonly interval: number
  readonly deadline?: number
}

export interface WebhookGate {
  readonly kind: 'webhook'
  readonly url: string
  readonly credential: string
  readonly interval: number
  readonly deadline?: number
}

/** What only the outside can answer. */
export type MeasuredGate = MetricGate | CelGate | WebhookGate
export type PlannedGate = ApprovalGate | SoakGate | MeasuredGate

export type GateSide = 'before' | 'after'

/** Where a gate stands: waves are counted from 0. */
export interface GatePlace {
  readonly wave: number
  readonly gate: GateSide
}

export function isMeasured(gate: PlannedGate): gate is MeasuredGate {
  return gate.kind === 'metric' || gate.kind === 'cel' || gate.kind === 'webhook'
}

/** How people call a gate: `the metric error-rate`. */
export function nameGate(gate: PlannedGate): string {
  switch (gate.kind) {
    case 'approval':
      return `approval by the role ${gate.role}`
    case 'soak':
      return 'the soak'
    case 'metric':
      return `the metric ${gate.template}`
    case 'cel':
      return gate.message ?? `the condition ${gate.expression}`
    case 'webhook':
      return `the webhook ${gate.url}`
    default:
      return gate satisfies never
  }
}

/**
 * The gates of one side of a wave. The gate before a wave nobody is in guards nothing, nor does the
 * one after it where nothing comes any more: there are none, then.
 */
export function gatesOf(plan: RolloutPlan, wave: number, side: GateSide): readonly PlannedGate[] {
  const planned: PlannedWave | undefined = plan.waves[wave]
  if (!planned) return []
  const empty = planned.clusters.length === 0
  if (empty && side === 'before') return []
  const last = plan.waves.slice(wave + 1).every((later) => later.clusters.length === 0)
  return empty && last ? [] : planned[side]
}
