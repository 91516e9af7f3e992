import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { computeHealth } from '../../../../agent/observe/health.ts'

const object = (
  apiVersion: string,
  kind: string,
  status?: object,
  spec: object = {},
): LiveObject => ({
  ...{ apiVersion, kind, spec },
  metadata: { name: 'db', namespace: 'shop', generation: 2 },
  ...(status && { status }),
})
const fares = (...args: Parameters<typeof object>) => {
  const { health, message } = computeHealth(object(...args), 0)
  return `${health} ${message}`.trim()
}

describe('health of what Secrets are made of', () => {
  const sealed = (status?: object) => fares('bitnami.com/v1alpha1', 'SealedSecret', status)
  const external = (status?: object, spec?: object) =>
    fares('external-secrets.io/v1', 'ExternalSecret', status, spec)
  const synced = (status: string, message = '') => ({
    observedGeneration: 2,
    conditions: [{ type: 'Synced', status, message }],
  })
  const ready = (status: string, message: string, syncedResourceVersion?: string) => ({
    conditions: [{ type: 'Ready', status, message, reason: 'SecretSyncedError' }],
    ...(syncedResourceVersion !== undefined && { syncedResourceVersion }),
  })

  it('is not Current before the controller of a SealedSecret unsealed this generation', () => {
    assert.equal(sealed(), 'InProgress not yet unsealed')
    assert.equal(sealed({ conditions: [] }), 'InProgress not yet unsealed')
    assert.match(
      sealed({ ...synced('True'), observedGeneration: 1 }),
      /^InProgress generation is 2/,
    )
    assert.equal(sealed(synced('True')), 'Current')
  })

  it('is Failed with the words of the controller that cannot unseal', () => {
    const words = 'no key could decrypt secret (password)'
    assert.equal(sealed(synced('False', words)), `Failed ${words}`)
    assert.equal(sealed(synced('False')), 'Failed cannot be unsealed')
    assert.equal(sealed(synced('Unknown')), 'Failed cannot be unsealed')
  })

  it('is what the Ready condition of an ExternalSecret says of this generation', () => {
    assert.equal(external(), 'InProgress not yet synced')
    assert.equal(external(ready('False', 'no such key')), 'Failed no such key')
    assert.equal(external(ready('False', '')), 'Failed SecretSyncedError')
    assert.equal(external(ready('True', 'secret synced')), 'Current')
    assert.equal(external(ready('True', '', '2-0a1b')), 'Current')
    const old = ready('True', '', '1-0a1b')
    assert.equal(external(old), 'InProgress generation is 2, controller has synced 1')
    // Made once: its controller does not look at a new generation.
    assert.equal(external(old, { refreshPolicy: 'CreatedOnce' }), 'Current')
  })
})
