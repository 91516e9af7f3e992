import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import type { PolicySpec } from '../../../../hub/fleet/kinds/policy.ts'
import type { PolicyEngine } from '../../../../hub/policy/engine.ts'
import { createPolicyLoader } from '../../../../hub/policy/load.ts'
import type { Policy } from '../../../../hub/policy/policy.ts'
import { sourceOf } from '../../../support/policy-source.ts'

const never = new AbortController().signal
const files = {
  'policies/good.rego': 'package main',
  'policies/bad.rego': 'bad',
  'keys/none.pub': 'no key',
}

/** An engine that finds a fault in each file that holds `bad`, and keeps what it was given. */
function load(policies: Readonly<Record<string, PolicySpec>>, asked: Policy[] = []) {
  const engine = {
    async compile(policy: Policy) {
      asked.push(policy)
      const faults = policy.files
        .filter(({ bytes }) => Buffer.from(bytes).toString() === 'bad')
        .map(({ path }) => ({ file: path, line: 3, message: 'does not compile' }))
      if (faults.length > 0) throw new HubError('fleet_invalid', 'bad', { faults })
      return []
    },
  } as unknown as PolicyEngine
  const declared = Object.entries(policies).map(([name, spec]) => [
    name,
    { name, spec, labels: {}, annotations: {}, file: `${name}.yaml`, line: 1 },
  ])
  const fleet = { policies: new Map(declared as never) } as unknown as Fleet
  return createPolicyLoader(engine)(fleet, sourceOf(files), never)
}

async function faultsOf(policies: Readonly<Record<string, PolicySpec>>, asked: Policy[] = []) {
  const error: unknown = await load(policies, asked).then(
    () => assert.fail('nothing is wrong'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof HubError && error.code === 'fleet_invalid', String(error))
  return error.faults.map(({ object, file, message }) => `${object} ${file}: ${message}`)
}

describe('the policies of a fleet', () => {
  it('are told at once for all that is wrong with them: keys, files, and what the files say', async () => {
    const spec = {
      files: ['policies/gone.rego', 'policies/bad.rego', 'elsewhere'],
      images: { signatures: [{ keys: ['keys/none.pub'] }, { keys: ['keys/gone.pub'] }] },
    }
    assert.deepEqual(await faultsOf({ one: spec, two: { files: ['policies/bad.rego'] } }), [
      'Policy one keys/none.pub: it is no public key in PEM, as cosign writes cosign.pub',
      'Policy one keys/gone.pub: there is no such file',
      'Policy one one.yaml: there is no .yaml, .json or .rego file at policies/gone.rego',
      'Policy one one.yaml: there is no .yaml, .json or .rego file at elsewhere',
      'Policy one policies/bad.rego: does not compile',
      'Policy two policies/bad.rego: does not compile',
    ])
  })

  it('are compiled as a part where files are missing, which is never taken for the whole', async () => {
    const asked: Policy[] = []
    const good = { files: ['policies/good.rego'] }
    await faultsOf({ part: { files: [...good.files, 'policies/gone.rego'] }, whole: good }, asked)
    const [part, whole] = asked
    assert.deepEqual([part!.partial, whole!.partial], [true, undefined])
    assert.notEqual(part!.program, whole!.program)
  })

  it('are read whole, each compiled once', async () => {
    const asked: Policy[] = []
    const { policies } = await load({ a: { files: ['policies/good.rego'] } }, asked)
    assert.deepEqual(policies, asked)
  })
})
