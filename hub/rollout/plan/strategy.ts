import { parseDuration } from '@groundswell/proto/duration.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import type { ApplicationSpec } from '../../fleet/kinds/application.ts'
import type { RolloutStrategySpec, RolloutWave } from '../../fleet/kinds/rollout-strategy.ts'
import { freezeGate, type GateContext } from './freeze-gate.ts'
import type { PlannedGate } from '../gate/planned-gate.ts'
import type { KeptStrategy, Offline, OnFailure } from '../rollout.ts'

/** A count, or a share of something that is known only when the plan is made. */
export type CountOrPercent = number | string

/** A wave's rules with every default filled in. Times are milliseconds. */
export interface WaveRules {
  readonly spec: RolloutWave
  readonly maxConcurrent: CountOrPercent
  readonly maxFailures: CountOrPercent
  readonly soak: number
  readonly progressDeadline: number
  readonly before: readonly PlannedGate[]
  readonly after: readonly PlannedGate[]
}

/** How an application rolls out, with every default filled in. */
export interface Strategy {
  readonly waves: readonly WaveRules[]
  readonly maxFailures: CountOrPercent
  readonly onFailure: OnFailure
  readonly offline: Offline
  readonly supersede: 'replace' | 'queue'
  readonly unmatched: 'error' | 'lastWave'
}

const defaultDeadline = 600_000

/** What applies when an application names no strategy: everybody at once, stop on a failure. */
export const defaultStrategy: RolloutStrategySpec = { waves: [{ name: 'all', selector: {} }] }

/** How Git has an application roll out; undefined where it says nothing of that. */
export function strategyOf(
  { strategies }: Pick<Fleet, 'strategies'>,
  spec: Pick<ApplicationSpec, 'rollout' | 'rolloutStrategy'> | undefined,
): RolloutStrategySpec | undefined {
  const named = spec?.rolloutStrategy
  return spec?.rollout ?? (named === undefined ? undefined : strategies.get(named)?.spec)
}

/** What a plan keeps of how its application is rolled out, so that it leaves in the same way once it left Git. */
export function keepDeclared(
  fleet: Pick<Fleet, 'strategies'>,
  spec: Pick<ApplicationSpec, 'rollout' | 'rolloutStrategy'>,
): KeptStrategy | undefined {
  const found = strategyOf(fleet, spec)
  const name = spec.rollout ? undefined : spec.rolloutStrategy
  return found && { ...(name !== undefined && { name }), spec: found }
}

/** The same of an application that left Git: as Git has it now, where it has one of that name still. */
export function keepLast(
  { strategies }: Pick<Fleet, 'strategies'>,
  last: KeptStrategy | undefined,
): KeptStrategy | undefined {
  const named = last?.name === undefined ? undefined : strategies.get(last.name)?.spec
  return last && { ...last, ...(named && { spec: named }) }
}

/**
 * Fills in what a strategy leaves out: all clusters of a wave at once, no failure tolerated, no
 * soak, ten minutes to become healthy, pause on failure, offline clusters skipped and caught up
 * later, a newer revision replaces. Without an overall `maxFailures` the waves' budgets decide.
 */
export function toStrategy(
  spec: RolloutStrategySpec = defaultStrategy,
  context: GateContext = {},
): Strategy {
  return {
    waves: spec.waves.map((wave) => toRules(wave, context)),
    maxFailures: spec.maxFailures ?? '100%',
    onFailure: spec.onFailure ?? 'pause',
    offline: spec.offline ?? 'skip',
    supersede: spec.supersede ?? 'replace',
    unmatched: spec.unmatched ?? 'error',
  }
}

function toRules(spec: RolloutWave, context: GateContext): WaveRules {
  return {
    spec,
    maxConcurrent: spec.maxConcurrent ?? '100%',
    maxFailures: spec.mandatory === true ? 0 : (spec.maxFailures ?? 0),
    soak: spec.soak === undefined ? 0 : parseDuration(spec.soak),
    progressDeadline:
      spec.progressDeadline === undefined ? defaultDeadline : parseDuration(spec.progressDeadline),
    before: (spec.before ?? []).map((gate) => freezeGate(gate, context)),
    after: (spec.after ?? []).map((gate) => freezeGate(gate, context)),
  }
}

/** `5` stays 5; `20%` is that share of `total`, rounded as asked. */
export function resolveCount(value: CountOrPercent, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value
  // Integer arithmetic: 0.07 * 100 is a little more than 7 and would round up to 8.
  const hundredths = Number(value.slice(0, -1)) * total
  return round === 'up' ? Math.ceil(hundredths / 100) : Math.floor(hundredths / 100)
}

/** Clusters that may be in flight at once: percentages round down, but one always may. */
export function resolveConcurrency(value: CountOrPercent, total: number): number {
  return Math.max(1, resolveCount(value, total, 'down'))
}

/** Failures still tolerated: percentages round up, but what is less than all of them never is all. */
export function resolveFailures(value: CountOrPercent, total: number): number {
  const count = resolveCount(value, total, 'up')
  const isPart = typeof value === 'string' && value !== '100%'
  return isPart ? Math.min(count, Math.max(0, total - 1)) : count
}
