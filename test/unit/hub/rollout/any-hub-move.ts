import * as fc from 'fast-check'
import type { RolloutStrategySpec } from '../../../../hub/fleet/kinds/rollout-strategy.ts'
import type { RolloutAction } from '../../../../hub/rollout/rollout.ts'
import { anyHubStrategy } from './any-hub-strategy.ts'

/* What may happen to a hub with rollouts of two applications, of which one waits for the other. */

export const clusters = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'] as const
export const applications = ['db', 'shop'] as const
type Application = (typeof applications)[number]

export type HubMove =
  | {
      kind: 'commit'
      application: Application
      content: number
      strategy: RolloutStrategySpec
      start: boolean
      /** A cluster that is to have the application no more. */
      leaves: number | null
    }
  | {
      kind: 'act'
      application: Application
      action: RolloutAction['kind']
      cluster: number
      actor: string
    }
  | { kind: 'report'; cluster: number; well: boolean }
  /** Everybody is well, one after the other, and some time passes: so that rollouts come to later waves. */
  | { kind: 'goOn'; actor: string }
  | { kind: 'cut' | 'join' | 'label'; cluster: number }
  | { kind: 'pass'; ms: number }
  | { kind: 'notice'; application: Application }
  | { kind: 'answers'; as: 'good' | 'bad' | 'none' | 'away' }
  /** Jobs of every wave there ever was, at once: twice, in another order, beside a sweep and news. */
  | { kind: 'storm' }
  | { kind: 'ring' | 'sweep' | 'flush' | 'storeAway' | 'storeBack' | 'crash' | 'second' | 'zombie' }
  | { kind: 'fail'; how: 'before' | 'after' }

const application = fc.constantFrom(...applications)
const cluster = fc.nat({ max: clusters.length - 1 })
const plain = [
  'ring',
  'ring',
  'sweep',
  'sweep',
  'flush',
  'storeAway',
  'storeBack',
  'crash',
  'storm',
] as const

export const anyHubMove: fc.Arbitrary<HubMove> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ kind: fc.constant('commit' as const), application, content: fc.nat({ max: 3 }) },
      ...{ strategy: anyHubStrategy, start: fc.constantFrom(true, true, true, true, false) },
      leaves: fc.constantFrom(null, null, null, 0, 5),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      application,
      action: fc.constantFrom(
        ...(['start', 'approve', 'approve', 'promote', 'pause', 'resume', 'abort'] as const),
        ...(['rollback', 'retry', 'skip'] as const),
      ),
      cluster,
      actor: fc.constantFrom('alice', 'bob'),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      ...{ kind: fc.constant('report' as const), cluster },
      well: fc.constantFrom(true, true, true, true, false),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('goOn' as const),
      actor: fc.constantFrom('alice', 'bob'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut' as const, 'join', 'join', 'label'),
      cluster,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 1_000, 5_000, 31_000, 61_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('notice' as const), application }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('answers' as const),
      as: fc.constantFrom('good' as const, 'good', 'bad', 'none', 'away'),
    }),
  },
  { weight: 5, arbitrary: fc.constantFrom(...plain).map((kind) => ({ kind })) },
  { weight: 1, arbitrary: fc.constantFrom('second' as const, 'zombie').map((kind) => ({ kind })) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      how: fc.constantFrom('before' as const, 'after'),
    }),
  },
)
