import { type Static, Type } from 'typebox'
import { closed, CountOrPercent, DurationText, LabelSelector, Name } from './fields.ts'
import { checkGates, Gate } from './gate.ts'
import { checkPickers, type Names, type Path, type Report } from './names.ts'

export const RolloutWave = Type.Object(
  {
    name: Name,
    selector: Type.Optional(LabelSelector),
    clusterGroup: Type.Optional(Name),
    clusters: Type.Optional(Type.Array(Name)),
    /** So many of the clusters no earlier wave took, by `sortBy`. */
    count: Type.Optional(CountOrPercent),
    /** A label; its value orders clusters before their name does. */
    sortBy: Type.Optional(Type.String()),
    maxConcurrent: Type.Optional(CountOrPercent),
    maxFailures: Type.Optional(CountOrPercent),
    /** Zero failures, whatever maxFailures says. */
    mandatory: Type.Optional(Type.Boolean()),
    soak: Type.Optional(DurationText),
    progressDeadline: Type.Optional(DurationText),
    before: Type.Optional(Type.Array(Gate, { maxItems: 20 })),
    after: Type.Optional(Type.Array(Gate, { maxItems: 20 })),
  },
  closed,
)

export const RolloutStrategySpec = Type.Object(
  {
    waves: Type.Array(RolloutWave, { minItems: 1, maxItems: 200 }),
    maxFailures: Type.Optional(CountOrPercent),
    onFailure: Type.Optional(
      Type.Union([Type.Literal('pause'), Type.Literal('rollback'), Type.Literal('continue')]),
    ),
    offline: Type.Optional(
      Type.Union([Type.Literal('skip'), Type.Literal('wait'), Type.Literal('fail')]),
    ),
    /** What is proposed to Git when a rollout was rolled back. */
    revert: Type.Optional(Type.Union([Type.Literal('pullRequest'), Type.Literal('none')])),
    supersede: Type.Optional(Type.Union([Type.Literal('replace'), Type.Literal('queue')])),
    /** Clusters no wave picks: an error at plan time unless `lastWave`. */
    unmatched: Type.Optional(Type.Union([Type.Literal('error'), Type.Literal('lastWave')])),
  },
  closed,
)

export type RolloutStrategySpec = Static<typeof RolloutStrategySpec>
export type RolloutWave = Static<typeof RolloutWave>

export function checkStrategy(spec: RolloutStrategySpec, names: Names, report: Report): void {
  checkWaves(spec, ['spec'], names, report)
}

export function checkWaves(
  spec: RolloutStrategySpec,
  path: Path,
  names: Names,
  report: Report,
): void {
  spec.waves.forEach((wave: RolloutWave, index) => {
    const at = [...path, 'waves', index]
    checkPickers(wave.selector, 'selector', wave, at, names, report)
    const first = spec.waves.findIndex((other) => other.name === wave.name)
    if (first < index) report([...at, 'name'], `wave "${wave.name}" is there already`)
    checkGates(wave.before, [...at, 'before'], names, report)
    checkGates(wave.after, [...at, 'after'], names, report)
  })
}
