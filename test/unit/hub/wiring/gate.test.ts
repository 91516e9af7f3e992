import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openGate } from '../../../../hub/wiring/gate.ts'

type Config = Parameters<typeof openGate>[0]['config']

const surroundings = { config: { handshakes: 100_000 } as Config, clock: () => 0 }
const ignore = (): void => {}

/** Connections that an address gets, of so many that it asks for and keeps. */
function take({ admission }: ReturnType<typeof openGate>, address: string, count: number): number {
  const verdicts = Array.from({ length: count }, () => admission.admit(address))
  for (const verdict of verdicts) if (typeof verdict !== 'string') verdict.settled()
  return verdicts.filter((verdict) => typeof verdict !== 'string').length
}

describe('the gate of the enrol listener', () => {
  test('leaves half of its connections to others, and lets none be kept (T37)', () => {
    const gate = openGate(surroundings, 'enrol', ignore)
    assert.equal(take(gate, 'stranger', 3_000), 1_000)
    assert.equal(take(gate, 'other', 3_000), 1_000)
    assert.equal(take(gate, 'third', 10), 0)
    assert.ok(gate.openMs !== undefined && gate.openMs <= 60_000)
  })
})

test('all agents may come to the data listener from one address, and stay', () => {
  const gate = openGate(surroundings, 'data', ignore)
  assert.equal(take(gate, 'proxy', 10_000), 10_000)
  assert.equal(gate.openMs, undefined)
})
