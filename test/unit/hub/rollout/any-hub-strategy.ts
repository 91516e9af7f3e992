import * as fc from 'fast-check'
import type {
  RolloutStrategySpec,
  RolloutWave,
} from '../../../../hub/fleet/kinds/rollout-strategy.ts'

/* Strategies of every kind for the clusters of `any-hub.ts`, of rings `one` and `two`; some can have no plan. */

const gate = fc.constantFrom<NonNullable<RolloutWave['before']>[number]>(
  { approval: {} },
  { approval: { count: 2 } },
  { soak: '4s' },
  { metric: { template: 'm' } },
  { cel: { expression: 'true', deadline: '2m' } },
)
const gates = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.array(gate, { minLength: 1, maxLength: 2 }) },
)
const rules = fc
  .record({
    maxConcurrent: fc.constantFrom(undefined, 1, 2, '34%'),
    maxFailures: fc.constantFrom(undefined, 1, '20%'),
    mandatory: fc.constantFrom(undefined, undefined, true),
    soak: fc.constantFrom(undefined, undefined, '5s'),
    progressDeadline: fc.constantFrom('1m', '10m'),
    sortBy: fc.constantFrom(undefined, 'ring'),
    before: gates,
    after: gates,
  })
  .map(leaveOut)
const ring = (value: string) => ({ selector: { matchLabels: { ring: value } } })
/** Who goes when: by label, group, name, count and share; the last two have clusters in no wave, or in two. */
const pickers = fc.constantFrom<readonly Omit<RolloutWave, 'name'>[]>(
  [{ selector: {} }],
  [ring('one'), ring('two')],
  [{ clusterGroup: 'ones' }, { clusterGroup: 'twos' }],
  [{ count: 1 }, { count: '50%' }, { selector: {} }],
  [{ ...ring('two'), count: '1%' }, ring('one'), ring('two')],
  [{ clusters: ['c3', 'c1'] }, { clusters: ['c0', 'c2', 'c4', 'c5'] }],
  [{ clusterGroup: 'ones' }],
  [{ clusters: ['c3', 'c1'] }, { selector: {} }],
)

export const anyHubStrategy: fc.Arbitrary<RolloutStrategySpec> = fc
  .record({
    pickers,
    rules: fc.array(rules, { minLength: 3, maxLength: 3 }),
    maxFailures: fc.constantFrom(undefined, 1, '50%'),
    onFailure: fc.constantFrom(
      undefined,
      'pause' as const,
      'rollback' as const,
      'continue' as const,
    ),
    offline: fc.constantFrom(undefined, 'skip' as const, 'wait' as const, 'fail' as const),
    supersede: fc.constantFrom(undefined, 'replace' as const, 'queue' as const),
    unmatched: fc.constantFrom(undefined, 'lastWave' as const),
  })
  .map(({ pickers, rules, ...rest }) => ({
    waves: pickers.map((picker, at) => ({ name: `w${at}`, ...picker, ...rules[at] })),
    ...leaveOut(rest),
  }))

/** As it is in a file: what is not set is not there. */
function leaveOut<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(set) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
