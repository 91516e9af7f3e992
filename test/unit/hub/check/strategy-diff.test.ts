import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeStrategyChange, diffStrategies } from '../../../../hub/check/strategy-diff.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import type { RolloutStrategySpec } from '../../../../hub/fleet/kinds/rollout-strategy.ts'

type Side = Pick<Fleet, 'applications' | 'strategies'>

function side(
  applications: Record<string, object>,
  strategies: Record<string, RolloutStrategySpec> = {},
): Side {
  const declare = (kind: string, all: Record<string, object>) =>
    new Map(Object.entries(all).map(([name, spec]) => [name, { name, spec, file: `${kind}.yaml` }]))
  const made = {
    applications: declare('applications', applications),
    strategies: declare('strategies', strategies),
  }
  return made as unknown as Side
}

const careful = { rolloutStrategy: 'careful' }
const canary = { name: 'canary', count: 1, soak: '10m' }
const prod = { name: 'prod', selector: {}, maxConcurrent: 1 }
const strategy = { waves: [canary, prod] }
const tell = (base: Side, head: Side, names: readonly string[] = ['shop']) =>
  diffStrategies(base, head, names).map(({ applications, file, changes }) => [
    applications.join(),
    file,
    ...changes.map(describeStrategyChange),
  ])
const between = (was: RolloutStrategySpec, is: RolloutStrategySpec) =>
  tell(side({ shop: careful }, { careful: was }), side({ shop: careful }, { careful: is }))

describe('a rollout strategy that changes', () => {
  it('is told setting by setting: what, from, to', () => {
    const before = [{ approval: { role: 'operator' } }]
    const waves = [canary, { ...prod, maxConcurrent: '50%', before }]
    assert.deepEqual(between(strategy, { waves, onFailure: 'rollback' }), [
      [
        ...['shop', 'strategies.yaml'],
        'onFailure from nothing to rollback',
        'wave prod: maxConcurrent from 1 to 50%',
        'wave prod: before from nothing to [ { approval: { role: operator } } ]',
      ],
    ])
    assert.deepEqual(between(strategy, strategy), [])
  })

  it('has waves that come, and one that goes is told once', () => {
    const eu = { name: 'eu', selector: {}, maxConcurrent: 1 }
    assert.deepEqual(between(strategy, { waves: [eu, prod] }), [
      [
        ...['shop', 'strategies.yaml'],
        'waves from canary, prod to eu, prod',
        'wave eu: selector from nothing to {}',
        'wave eu: maxConcurrent from nothing to 1',
      ],
    ])
  })

  it('is told once for all applications that go by it, and not of those that come or go', () => {
    const was = side({ shop: careful, web: careful, gone: careful, own: {} }, { careful: strategy })
    const is = side(
      { shop: careful, web: careful, made: careful, own: {} },
      { careful: { waves: [{ ...canary, soak: '1h' }, prod] } },
    )
    assert.deepEqual(tell(was, is, ['gone', 'made', 'own', 'shop', 'web']), [
      ['shop,web', 'strategies.yaml', 'wave canary: soak from 10m to 1h'],
    ])
  })

  it('is told where an application goes by another, or by none', () => {
    const both = { careful: strategy, quick: { waves: [prod] } }
    const quick = side({ shop: { rolloutStrategy: 'quick' } }, both)
    assert.deepEqual(tell(side({ shop: careful }, both), quick), [
      [
        ...['shop', 'strategies.yaml', 'rolloutStrategy from careful to quick'],
        'waves from canary, prod to prod',
      ],
    ])
    assert.deepEqual(tell(quick, side({ shop: {} }, both)), [
      [
        ...['shop', 'applications.yaml', 'rolloutStrategy from quick to nothing'],
        ...['waves from prod to all', 'wave all: selector from nothing to {}'],
      ],
    ])
  })
})
