import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOptions } from '../../bench/options.ts'

describe('parseOptions', () => {
  it('takes one number of clusters, and several only for a slope', () => {
    assert.deepEqual(parseOptions(['wire', '--clusters', '30'])?.clusters, [30])
    assert.deepEqual(parseOptions(['idle', '--clusters', '0,10,20'])?.clusters, [0, 10, 20])
    assert.deepEqual(parseOptions(['propagation'])?.clusters, [200])
  })

  it('leaves clusters in memory out where they would cost more than what is measured', () => {
    const fidelityOf = (...words: string[]) => parseOptions(words)?.fidelity
    assert.equal(fidelityOf('propagation', '--clusters', '500'), 'B')
    assert.equal(fidelityOf('propagation', '--clusters', '501'), 'C')
    assert.equal(fidelityOf('propagation', '--clusters', '1000', '--fidelity', 'B'), 'B')
    assert.equal(fidelityOf('reconnect', '--clusters', '1000'), 'B')
  })

  it('has agents that cost less where nothing stands behind them, and their own code elsewhere', () => {
    const loadOf = (...words: string[]) => parseOptions(words)?.load
    assert.equal(loadOf('propagation', '--clusters', '10'), 'node')
    assert.equal(loadOf('propagation', '--clusters', '1000'), 'go')
    assert.equal(loadOf('reconnect', '--fidelity', 'C'), 'go')
    assert.equal(loadOf('status'), 'go')
    assert.equal(loadOf('idle', '--fidelity', 'C', '--load', 'node'), 'node')
  })

  for (const words of [
    ['wire', '--fidelity', 'B', '--load', 'go'],
    ['wire', '--load', 'rust'],
    ['propagation', '--fidelity', 'A'],
    ['wire', '--clusters', '1,2'],
    ['wire', '--clusters', '0'],
    ['idle', '--clusters', '5'],
    ['idle', '--clusters', '5,5'],
    ['idle', '--clusters', '5,,6'],
    ['idle', '--quiet', '-1'],
    ['idle', 'wire'],
    ['nothing'],
  ]) {
    it(`refuses ${words.join(' ')}`, () => {
      assert.throws(() => parseOptions(words), Error)
    })
  }
})
