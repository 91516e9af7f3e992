import * as fc from 'fast-check'
import type {
  RolloutStrategySpec,
  RolloutWave,
} from '../../../../hub/fleet/kinds/rollout-strategy.ts'
import type { RolloutAction } from '../../../../hub/rollout/rollout.ts'
import { anyHubStrategy } from './any-hub-strategy.ts'
import {
  type Application,
  applications,
  type Cluster,
  clusters,
  type Declared,
  type Git,
  type Window,
} from './several-git.ts'

/* What may happen to a hub with several applications that wait for each other, give each other objects, and move
   through clusters in waves of their own. */

export type Edit =
  | { readonly kind: 'version'; readonly application: Application; readonly version: number }
  | {
      readonly kind: 'override'
      readonly application: Application
      readonly cluster: Cluster
      readonly version: number | null
    }
  /** `forsake`: no more, nor what depends on it. */
  | { readonly kind: 'declare' | 'forsake'; readonly application: Application }
  | { readonly kind: 'break'; readonly application: Application }
  | { readonly kind: 'select'; readonly application: Application; readonly cluster: Cluster }
  | {
      readonly kind: 'depend'
      readonly application: Application
      readonly on: readonly Application[]
    }
  | {
      readonly kind: 'strategy'
      readonly application: Application
      readonly strategy: RolloutStrategySpec
    }
  | { readonly kind: 'give'; readonly object: number; readonly application: Application }
  | { readonly kind: 'suspend' | 'label'; readonly cluster: Cluster }
  | { readonly kind: 'windows'; readonly windows: readonly Window[] }

export type Move =
  | { readonly kind: 'commit'; readonly edits: readonly Edit[] }
  /** What Git asked so many commits ago. */
  | { readonly kind: 'revert'; readonly back: number }
  | {
      readonly kind: 'act'
      readonly application: Application
      readonly action: Exclude<RolloutAction['kind'], 'supersede' | 'start'> | 'begin'
      readonly cluster: Cluster
      readonly actor: string
    }
  /** `swell rollout start APPLICATION`, `swell hold release APPLICATION` */
  | { readonly kind: 'launch' | 'release'; readonly application: Application }
  /** An agent takes what it is sent and says how it is; `sick` fails. */
  | { readonly kind: 'report'; readonly cluster: Cluster; readonly sick: Application | null }
  /** All agents do so, and time passes. */
  | { readonly kind: 'goOn'; readonly ms: number }
  | { readonly kind: 'cut' | 'join' | 'enrol'; readonly cluster: Cluster }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'answers'; readonly as: 'good' | 'bad' | 'none' | 'away' }
  | { readonly kind: 'crash' | 'takeOver' | 'flush' | 'decide' | 'sweep' | 'storm' }
  | { readonly kind: 'fail'; readonly how: 'before' | 'after' }

/** `still`: nothing is heard of it, nor decided, before the next. */
export type Played = Move & { readonly still: boolean }

/** What happens to one application again and again is what goes past its gates. */
const application = fc.constantFrom('db' as const, 'db' as const, ...applications)
const cluster = fc.constantFrom(...clusters)
const ms = fc.constantFrom(1, 1_000, 5_000, 31_000, 61_000)
const gates = fc.constantFrom<NonNullable<RolloutWave['before']>>(
  ...[[], [], [{ approval: {} }], [{ soak: '4s' }], [{ cel: { expression: 'true' } }]],
)
/** Canaries and the rest, with gates between them. */
const withCanary: fc.Arbitrary<RolloutStrategySpec> = fc
  .record({
    ...{ first: gates, between: gates, last: gates },
    rules: fc.constantFrom({}, { soak: '5s' }, { maxConcurrent: 1 }),
    rest: fc.constantFrom<Partial<RolloutStrategySpec>>(
      {},
      {},
      { onFailure: 'rollback' },
      { onFailure: 'continue' },
      { offline: 'wait' },
      { offline: 'fail' },
      { supersede: 'queue' },
    ),
  })
  .map(({ first, between, last, rules, rest }) => {
    const canary = { name: 'canary', clusters: ['c3', 'c1'], before: first, after: between }
    const others = { name: 'rest', clusters: ['c0', 'c2', 'c4', 'c5'], before: last }
    const waves = [canary, others].map((one) => ({ ...one, ...rules, progressDeadline: '1m' }))
    return { waves, ...rest }
  })
const strategy = fc.oneof(withCanary, anyHubStrategy)
const windows: fc.Arbitrary<readonly Window[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc
        .record({
          kind: fc.constantFrom('allow' as const, 'deny'),
          odd: fc.boolean(),
          group: fc.constantFrom('all' as const, 'ones', 'twos'),
          only: fc.option(application),
        })
        .map(({ only, ...rest }): Window => (only ? { ...rest, application: only } : rest)),
      { maxLength: 2 },
    ),
  },
)

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ kind: fc.constant('version' as const), application, version: fc.nat({ max: 3 }) },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ kind: fc.constant('override' as const), application, cluster },
      version: fc.constantFrom(null, null, 0, 1, 2, 3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('declare' as const, 'declare', 'break', 'forsake'),
      application,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('select' as const), application, cluster }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ kind: fc.constant('depend' as const), application },
      on: fc.uniqueArray(application, { maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('strategy' as const),
      application,
      strategy,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('give' as const),
      object: fc.nat({ max: 3 }),
      application,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('suspend' as const, 'label'), cluster }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('windows' as const), windows }) },
)

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('revert' as const), back: fc.nat({ max: 3 }) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      ...{ kind: fc.constant('act' as const), application, cluster },
      action: fc.constantFrom(
        ...(['approve', 'approve', 'approve', 'promote', 'pause', 'pause', 'resume'] as const),
        ...(['abort', 'rollback', 'retry', 'skip', 'begin'] as const),
      ),
      actor: fc.constantFrom('alice', 'bob'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('launch' as const, 'release'), application }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ kind: fc.constant('report' as const), cluster },
      sick: fc.constantFrom(null, null, null, ...applications),
    }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('goOn' as const), ms }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut' as const, 'join', 'join', 'enrol'),
      cluster,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('answers' as const),
      as: fc.constantFrom('good' as const, 'good', 'bad', 'none', 'away'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('crash' as const, 'takeOver', 'flush', 'decide', 'sweep', 'storm')
      .map((kind) => ({ kind })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      how: fc.constantFrom('before' as const, 'after'),
    }),
  },
)

export const anyMoves: fc.Arbitrary<readonly Played[]> = fc.array(
  fc
    .tuple(move, fc.constantFrom(false, false, false, true))
    .map(([one, still]): Played => ({ ...one, still })),
  { maxLength: 40, size: 'max' },
)

/** What Git says at first. */
export const anyGit: fc.Arbitrary<Git> = fc
  .integer({ min: 2, max: applications.length })
  .chain((count) =>
    fc
      .record({
        strategies: fc.array(strategy, { minLength: count, maxLength: count }),
        /** Each waits for some of those before it: chains, diamonds, none. */
        firsts: fc.array(fc.nat({ max: 7 }), { minLength: count, maxLength: count }),
        windows,
      })
      .map(({ strategies, firsts, windows: all }): Git => ({
        declared: Object.fromEntries(
          strategies.map((strategy, at) => [
            applications[at]!,
            {
              ...{ version: 0, overrides: {}, excluded: [], strategy },
              dependsOn: applications.slice(0, at).filter((_, bit) => firsts[at]! & (1 << bit)),
            },
          ]),
        ),
        ...{ second: ['c2', 'c3', 'c4', 'c5'], suspended: [], windows: all },
        owners: applications.slice(0, 4).map((name, at) => (at < count ? name : 'db')),
      })),
  )

/** What Git says after an edit. One of an application that it does not declare says nothing. */
export function change(git: Git, one: Edit): Git {
  const toggle = <T>(all: readonly T[], name: T): T[] =>
    all.includes(name) ? all.filter((other) => other !== name) : [...all, name]
  switch (one.kind) {
    case 'suspend':
      return { ...git, suspended: toggle(git.suspended, one.cluster) }
    case 'label':
      return { ...git, second: toggle(git.second, one.cluster) }
    case 'windows':
      return { ...git, windows: one.windows }
    case 'give':
      return { ...git, owners: git.owners.with(one.object, one.application) }
    case 'declare': {
      const { [one.application]: was, ...rest } = git.declared
      const forget = ([name, other]: [string, Declared]) =>
        [
          name,
          { ...other, dependsOn: other.dependsOn.filter((on) => on !== one.application) },
        ] as const
      if (was)
        return { ...git, declared: Object.fromEntries(Object.entries<Declared>(rest).map(forget)) }
      const strategy = { waves: [{ name: 'all', selector: {} }] }
      const made = { version: 0, overrides: {}, excluded: [], dependsOn: [], strategy }
      return { ...git, declared: { ...rest, [one.application]: made } }
    }
    case 'forsake': {
      const gone = new Set([one.application])
      for (let before = 0; before < gone.size;) {
        before = gone.size
        for (const [name, { dependsOn }] of Object.entries(git.declared)) {
          if (dependsOn.some((on) => gone.has(on))) gone.add(name as Application)
        }
      }
      const kept = Object.entries(git.declared).filter(([name]) => !gone.has(name as Application))
      return { ...git, declared: Object.fromEntries(kept) }
    }
    case 'version':
    case 'override':
    case 'break':
    case 'select':
    case 'depend':
    case 'strategy':
      return changeDeclared(git, one, toggle)
  }
}

type DeclaredEdit = Exclude<
  Edit,
  { kind: 'suspend' | 'label' | 'windows' | 'give' | 'declare' | 'forsake' }
>

function changeDeclared(
  git: Git,
  one: DeclaredEdit,
  toggle: <T>(all: readonly T[], name: T) => T[],
): Git {
  const was = git.declared[one.application]
  if (!was) return git
  const put = (rest: Partial<typeof was>): Git => ({
    ...git,
    declared: { ...git.declared, [one.application]: { ...was, ...rest } },
  })
  switch (one.kind) {
    case 'version':
      return put({ version: one.version })
    case 'override': {
      const { [one.cluster]: _, ...rest } = was.overrides
      return put({
        overrides: one.version === null ? rest : { ...rest, [one.cluster]: one.version },
      })
    }
    case 'break': {
      const { broken, ...rest } = was
      const made = broken ? rest : { ...was, broken: true as const }
      return { ...git, declared: { ...git.declared, [one.application]: made } }
    }
    case 'select':
      return put({ excluded: toggle(was.excluded, one.cluster) })
    case 'depend':
      return put({ dependsOn: one.on.filter((on) => git.declared[on]) })
    case 'strategy':
      return put({ strategy: one.strategy })
  }
}
