import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { viewObjects } from '../../../../hub/api/objects-view.ts'
import { createFakeHub } from '../../../support/fake-hub.ts'
import { older } from '../../../support/fake-rollout.ts'

const assigned = await createFakeHub().manifest('lab', 'shop')
assert(assigned?.status)

describe('viewObjects', () => {
  it('joins each object with its health, message and drift', () => {
    const [settings, web] = viewObjects('lab', 'shop', assigned).objects
    assert.deepEqual([settings?.health, settings?.drift?.missing], ['Current', true])
    assert.deepEqual([web?.health, web?.message, web?.drift], ['InProgress', 'no address', null])
  })

  it('claims no health for objects of a manifest the agent does not run', () => {
    const status = { ...assigned.status!, digest: older, unhealthy: [] }
    const { objects } = viewObjects('lab', 'shop', { ...assigned, status })
    assert.deepEqual(
      objects.map((object) => object.health),
      [null, null],
    )
  })

  it('shows a manifest that no agent has reported on', () => {
    const view = viewObjects('lab', 'shop', { ...assigned, status: null })
    assert.equal(view.reportedDigest, null)
    assert.equal(view.objects.length, 2)
  })
})
