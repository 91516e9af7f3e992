import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { judgeSuccession } from '../../../../agent/trust/succession.ts'

const before = { epoch: 2, sequence: 7, snapshotDigest: digestOf('7') }
const next = { epoch: 2, sequence: 8, previous: digestOf('7') }
const quiet = { missed: 0, forked: false }

describe('T3: what a snapshot names as the one before it', () => {
  it('is the one that was accepted, in turn', () => {
    assert.deepEqual(judgeSuccession(next, before), quiet)
  })

  it('is another: two were signed for one sequence', () => {
    const forked = { missed: 0, forked: true }
    assert.deepEqual(judgeSuccession({ ...next, previous: digestOf('other') }, before), forked)
    assert.deepEqual(judgeSuccession({ ...next, previous: null }, before), forked)
  })

  it('never came here, which is no fault', () => {
    const far = { ...next, sequence: 11, previous: digestOf('10') }
    assert.deepEqual(judgeSuccession(far, before), { missed: 3, forked: false })
  })

  it('says nothing in a new epoch, to a blank agent, without the snapshot, or of the same once more', () => {
    const other = { ...next, previous: digestOf('other') }
    assert.deepEqual(judgeSuccession({ ...other, epoch: 3, sequence: 1 }, before), quiet)
    assert.deepEqual(judgeSuccession(other, { ...before, sequence: 0 }), quiet)
    assert.deepEqual(judgeSuccession(other, { ...before, snapshotDigest: '' }), quiet)
    assert.deepEqual(judgeSuccession({ ...other, sequence: 7 }, before), quiet)
  })
})
