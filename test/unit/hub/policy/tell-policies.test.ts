import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { RefusedFleet } from '../../../../hub/fleet/load/refused-fleet.ts'
import { tellPolicies } from '../../../../hub/policy/tell-policies.ts'

const fleetOf = (...policies: string[]) =>
  ({ policies: new Map(policies.map((name) => [name, {}])) }) as unknown as Fleet
const faulty = { file: 'b.yaml', line: 2, object: 'Policy b', message: 'excepts everything' }
const refuse =
  (message: string, code: HubError['code'] = 'fleet_invalid') =>
  () =>
    Promise.reject(new HubError(code, message, { faults: [{ file: 'a.rego', line: 1, message }] }))

describe('what is wrong with a fleet', () => {
  it('is told with what is wrong with the files of its policies', async () => {
    const told = await tellPolicies(new RefusedFleet(fleetOf('a', 'b'), [faulty]), refuse('bad'))
    assert(told instanceof HubError && told.code === 'fleet_invalid')
    assert.deepEqual(
      told.faults.map(({ file, message }) => `${file}: ${message}`),
      ['a.rego: bad', 'b.yaml: excepts everything'],
    )
    assert.equal(told.message, 'a.rego:1: bad (and 1 more)')
  })

  it('leaves out policies whose configuration is refused, and asks nobody where none is left', async () => {
    const asked: string[][] = []
    const note = async ({ policies }: Fleet) => void asked.push([...policies.keys()])
    for (const names of [['a', 'b'], ['b'], []]) {
      const error = new RefusedFleet(fleetOf(...names), [faulty])
      assert.equal(await tellPolicies(error, note), error)
    }
    assert.deepEqual(asked, [['a']])
  })

  it('is told alone where policies cannot be read at all, and where it is of something else', async () => {
    const error = new RefusedFleet(fleetOf('a'), [faulty])
    assert.equal(await tellPolicies(error, refuse('gone', 'engine_unavailable')), error)
    const other = new HubError('source_unreachable', 'away')
    assert.equal(await tellPolicies(other, refuse('bad')), other)
  })
})
