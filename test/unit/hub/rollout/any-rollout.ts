import * as fc from 'fast-check'
import type {
  CelGate,
  MetricGate,
  PlannedGate,
  WebhookGate,
} from '../../../../hub/rollout/gate/planned-gate.ts'
import type { Content, RolloutAction, RolloutPlan } from '../../../../hub/rollout/rollout.ts'
import { good, old, plan, target, wave } from './world.ts'

/* Rollouts of every kind, and what may happen to them. */

export const answerKinds = [
  ...([
    'good',
    'good',
    'good',
    'bad',
    'none',
    'nan',
    'pass',
    'fail',
    'wait',
    'unanswered',
  ] as const),
]
export type AnswerKind = (typeof answerKinds)[number]

export type Move =
  | { kind: 'pass'; ms: number }
  | {
      kind: 'report'
      cluster: number
      as: 'good' | 'failed' | 'applying' | 'progressing' | 'applyFailed'
    }
  | { kind: 'stale'; cluster: number }
  | { kind: 'refuse'; cluster: number }
  | { kind: 'cut'; cluster: number }
  | { kind: 'join'; cluster: number }
  | { kind: 'forget'; cluster: number }
  | { kind: 'postpone'; cluster: number }
  | { kind: 'veto'; cluster: number }
  | { kind: 'release'; cluster: number }
  | { kind: 'withhold'; cluster: number; ms: number }
  | { kind: 'answer'; as: AnswerKind }
  /** An answer of before, once more. */
  | { kind: 'echo'; which: number }
  | { kind: 'crash' }
  | { kind: 'act'; action: RolloutAction['kind']; cluster: number; actor: string }

const index = fc.nat({ max: 7 })
export const anyMove: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 999, 4_500, 5_000, 30_000, 61_000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      cluster: index,
      as: fc.constantFrom(
        'good',
        'good',
        'good',
        'failed',
        'applying',
        'progressing',
        'applyFailed',
      ),
    }),
  },
  ...(['stale', 'refuse', 'cut', 'join', 'forget', 'postpone', 'veto', 'release'] as const).map(
    (kind) => ({
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant(kind), cluster: index }) as fc.Arbitrary<Move>,
    }),
  ),
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('withhold' as const),
      cluster: index,
      ms: fc.constantFrom(0, 3_000, 60_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      as: fc.constantFrom(...answerKinds),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('echo' as const), which: fc.nat({ max: 5 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      action: fc.constantFrom(
        'start',
        'approve',
        'approve',
        'promote',
        'pause',
        'resume',
        'abort',
        'rollback',
        'retry',
        'skip',
        'supersede',
      ),
      cluster: index,
      actor: fc.constantFrom('alice', 'bob'),
    }),
  },
)

const approval = fc
  .record({ role: fc.constant('operator'), count: fc.constantFrom(1, 1, 2) })
  .map((one) => ({ kind: 'approval' as const, ...one }))
const soak = fc.constantFrom(1, 5_000).map((duration) => ({ kind: 'soak' as const, duration }))
const metric: fc.Arbitrary<MetricGate> = fc
  .record({
    per: fc.constantFrom('cluster' as const, 'wave' as const),
    count: fc.integer({ min: 1, max: 2 }),
    failureLimit: fc.nat({ max: 1 }),
    missing: fc.constantFrom('fail' as const, 'pass' as const, 'wait' as const),
    interval: fc.constantFrom(1_000, 5_000),
  })
  .map((one) => ({
    ...{ kind: 'metric', template: 'errors', address: 'https://prom.example', query: 'up' },
    ...{ labels: {}, success: { min: 0, max: 1 }, timeout: 1_000 },
    ...one,
  }))
const condition: fc.Arbitrary<CelGate | WebhookGate> = fc
  .record({ cel: fc.boolean(), deadline: fc.constantFrom(undefined, 30_000) })
  .map(({ cel, deadline }) => ({
    ...(cel
      ? { kind: 'cel' as const, expression: 'true' }
      : { kind: 'webhook' as const, url: 'https://x.example', credential: 'x' }),
    interval: 5_000,
    ...(deadline !== undefined && { deadline }),
  }))
const gates: fc.Arbitrary<readonly PlannedGate[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  {
    weight: 3,
    arbitrary: fc.array(fc.oneof(approval, soak, metric, condition), {
      minLength: 1,
      maxLength: 3,
    }),
  },
)
export const anyPlan: fc.Arbitrary<RolloutPlan> = fc
  .record({
    sizes: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 }),
    rules: fc.array(
      fc.record({
        maxConcurrent: fc.integer({ min: 1, max: 3 }),
        maxFailures: fc.nat({ max: 1 }),
        mandatory: fc.constantFrom({}, { mandatory: true as const }),
        soak: fc.constantFrom(0, 0, 5_000),
        before: gates,
        after: gates,
      }),
      { minLength: 4, maxLength: 4 },
    ),
    previous: fc.array(fc.constantFrom(old, null), { minLength: 12, maxLength: 12 }),
    removes: fc.nat({ max: 12 }),
    maxFailures: fc.nat({ max: 2 }),
    onFailure: fc.constantFrom('pause' as const, 'rollback' as const, 'continue' as const),
    offline: fc.constantFrom('skip' as const, 'wait' as const, 'fail' as const),
  })
  .map(({ sizes, rules, previous, removes, ...rest }) => {
    let next = 0
    const waves = sizes.map((size, at) => {
      const clusters = Array.from({ length: size }, () => `c${next++}`)
      const { mandatory, ...limits } = rules[at]!
      return wave(`w${at}`, clusters, { ...limits, ...mandatory })
    })
    const made = plan(waves, rest)
    const names = Object.keys(made.targets)
    const targets = names.map((name, at) => {
      const content: Content = at === removes ? { ...good, digest: null, size: 0 } : good
      return [name, target(previous[at], content)] as const
    })
    return { ...made, targets: Object.fromEntries(targets) }
  })
