import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Branch, growApplication } from '../../../../hub/cli/tree.ts'
import type { ApplicationView } from '../../../../hub/client/gen/api.ts'

const well: Branch = { text: 'cluster a', well: true, below: [] }
const application = (more: Partial<ApplicationView>) =>
  ({
    name: 'shop',
    revision: 'main@sha1:0123456789',
    targets: 2,
    counts: { updated: 2, pending: 0, failed: 0, unreachable: 0, drifted: 0 },
    ...more,
  }) as ApplicationView

describe('the tree of an application', () => {
  it('is well where its clusters are, and have what Git asks', () => {
    assert.deepEqual(growApplication(application({ behind: 0, faults: [] }), [well]), {
      text: 'shop main@sha1:0123456, 2/2 clusters updated',
      well: true,
      below: [well],
    })
    assert.equal(growApplication(application({}), [{ ...well, well: false }]).well, false)
  })

  it('of one cluster is as well as that, whatever others were not given', () => {
    const one = growApplication(application({ behind: 1 }), [well], 'a')
    assert.equal(one.well, true)
    assert.match(one.text, /Git asks for something else on 1 of them/)
    assert.equal(growApplication(application({}), [{ ...well, well: false }], 'a').well, false)
  })

  it('is not well after an abort, nor where the newest commit does not render', () => {
    const aborted = growApplication(application({ behind: 1 }), [well])
    assert.equal(aborted.well, false)
    assert.match(aborted.text, /Git asks for something else on 1 of them/)
    const broken = growApplication(application({ faults: [{ message: 'no key' }] }), [well])
    assert.equal(broken.well, false)
    assert.match(broken.text, /the newest commit is not rolled out: no key/)
  })
})
