import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isUnwell, listObjects, viewObjects } from '../../../../hub/api/objects-view.ts'
import { createFakeHub } from '../../../support/fake-hub.ts'
import { older } from '../../../support/fake-rollout.ts'

const assigned = await createFakeHub().manifest('lab', 'shop')
assert(assigned?.status)

describe('objects of an application on a cluster', () => {
  it('are told with health, message and drift of each', () => {
    const [settings, web] = listObjects(assigned)
    assert.deepEqual([settings?.health, settings?.drift?.missing], ['Current', true])
    assert.deepEqual([web?.health, web?.message, web?.drift], ['InProgress', 'no address', null])
  })

  it('have no health in a manifest the agent does not run', () => {
    const status = { ...assigned.status!, digest: older, unhealthy: [] }
    assert.deepEqual(
      listObjects({ ...assigned, status }).map(({ health }) => health),
      [null, null],
    )
  })

  it('are there also where no agent has reported on them', () => {
    const unheard = { ...assigned, status: null }
    const all = listObjects(unheard)
    const view = viewObjects('lab', 'shop', unheard, { all, page: { items: all, continue: null } })
    assert.equal(view.reportedDigest, null)
    assert.equal(view.items.length, 2)
  })

  it('are counted by kind over the whole manifest, whatever page is shown', () => {
    const object = assigned.manifest.objects[0]!
    const manifest = {
      ...assigned.manifest,
      objects: [
        ...assigned.manifest.objects,
        { ...object, id: 'apps/Deployment/shop/one' },
        { ...object, id: 'apps/Deployment/shop/two' },
      ],
    }
    const all = listObjects({ ...assigned, manifest })
    const page = { items: all.slice(0, 1), continue: 'more' }
    const view = viewObjects('lab', 'shop', assigned, { all, page })
    assert.deepEqual(view.kinds, [
      { group: '', kind: 'ConfigMap', objects: 1, unwell: 1 },
      { group: '', kind: 'Service', objects: 1, unwell: 1 },
      { group: 'apps', kind: 'Deployment', objects: 2, unwell: 0 },
    ])
    assert.deepEqual([view.items.length, view.continue], [1, 'more'])
    assert.deepEqual(all.map(isUnwell), [true, true, false, false])
  })
})
