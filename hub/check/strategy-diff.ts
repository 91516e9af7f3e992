import type { Fleet } from '../fleet/fleet.ts'
import type { ApplicationSpec } from '../fleet/kinds/application.ts'
import type { RolloutStrategySpec } from '../fleet/kinds/rollout-strategy.ts'
import { defaultStrategy, strategyOf } from '../rollout/plan/strategy.ts'
import { formatInline, type Json } from './object-text.ts'

/** A setting of how applications roll out; null where it is not set. */
export interface StrategyChange {
  /** Such as `wave prod: maxConcurrent`. */
  readonly what: string
  readonly from: string | null
  readonly to: string | null
}

/** What a change sets otherwise of how applications roll out, once for all of which it is the same. */
export interface StrategyDiff {
  readonly applications: readonly string[]
  /** Where it is said now, in the fleet repository. */
  readonly file: string
  readonly changes: readonly StrategyChange[]
}

type Side = Pick<Fleet, 'applications' | 'strategies'>

/** Compares how applications that both sides have are to roll out; of others there is nothing to compare. */
export function diffStrategies(
  base: Side,
  head: Side,
  applications: Iterable<string>,
): StrategyDiff[] {
  const alike = new Map<string, { file: string; changes: StrategyChange[]; names: string[] }>()
  for (const name of applications) {
    const [before, after] = [base, head].map((side) => side.applications.get(name))
    if (!before || !after) continue
    const changes = compare(
      listSettings(before.spec, strategyOf(base, before.spec)),
      listSettings(after.spec, strategyOf(head, after.spec)),
    )
    if (changes.length === 0) continue
    const named = after.spec.rolloutStrategy
    const { file } = (named === undefined ? undefined : head.strategies.get(named)) ?? after
    const key = JSON.stringify([file, changes])
    const same = alike.get(key) ?? { file, changes, names: [] }
    same.names.push(name)
    alike.set(key, same)
  }
  return [...alike.values()].map(({ names, ...rest }) => ({ applications: names, ...rest }))
}

/** `wave prod: maxConcurrent from 1 to 50%`. */
export function describeStrategyChange({ what, from, to }: StrategyChange): string {
  return `${what} from ${from ?? 'nothing'} to ${to ?? 'nothing'}`
}

/** Of a strategy, by what they are called; those of a wave begin with its name. */
function listSettings(
  spec: Pick<ApplicationSpec, 'rollout' | 'rolloutStrategy'>,
  { waves, ...rest }: RolloutStrategySpec = defaultStrategy,
): Map<string, string | null> {
  const { rolloutStrategy, rollout } = spec
  const name = rolloutStrategy ?? (rollout && 'its own')
  const settings: [string, Json][] = [
    ['rolloutStrategy', name ?? null],
    ['waves', waves.map((wave) => wave.name).join(', ')],
    ...Object.entries(rest),
    ...waves.flatMap(({ name: wave, ...rules }) =>
      Object.entries(rules).map(([key, value]): [string, Json] => [
        `wave ${wave}: ${key}`,
        value as Json,
      ]),
    ),
  ]
  return new Map(settings.map(([what, value]) => [what, toText(value)]))
}

function toText(value: Json): string | null {
  return value === null || typeof value === 'string' ? value : formatInline(value)
}

function compare(
  before: ReadonlyMap<string, string | null>,
  after: ReadonlyMap<string, string | null>,
): StrategyChange[] {
  const waves = new Set(after.get('waves')!.split(', '))
  // That a wave is gone says all of it.
  const isGone = (what: string): boolean => {
    const [, wave] = /^wave (.*?): /.exec(what) ?? []
    return wave !== undefined && !waves.has(wave)
  }
  return [...new Set([...after.keys(), ...before.keys()])]
    .filter((what) => before.get(what) !== after.get(what) && !isGone(what))
    .map((what) => ({ what, from: before.get(what) ?? null, to: after.get(what) ?? null }))
}
