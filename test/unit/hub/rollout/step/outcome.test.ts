import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readReport } from '../../../../../hub/rollout/step/outcome.ts'
import type { ClusterObservation } from '../../../../../hub/rollout/rollout.ts'
import { idle } from '../world.ts'

const digest = `sha256:${'a'.repeat(64)}` as const

describe('how a report of a cluster is read', () => {
  const told = (content: typeof digest | null, phase: string, health: string, message = '') => {
    const application = { digest: content, generation: 2, phase, health, message }
    const seen = { ...idle(), application } as unknown as ClusterObservation
    return readReport(seen, { digest: content } as Parameters<typeof readReport>[1], 2)
  }

  it('says whether it was to be applied or removed', () => {
    const why = 'apps/Deployment/shop/web: refused'
    assert.deepEqual(told(digest, 'Failed', 'Failed', why), {
      ...{ state: 'failed', message: `apply failed: ${why}` },
    })
    assert.deepEqual(told(null, 'Failed', 'Unknown', why), {
      ...{ state: 'failed', message: `removal failed: ${why}` },
    })
    assert.deepEqual(told(null, 'Removed', 'Current'), { state: 'good', message: 'removed' })
    assert.equal(told(null, 'Applying', 'Terminating').message, 'is being removed')
    assert.equal(told(digest, 'Applying', 'InProgress').message, 'is applying')
  })

  it('says which health an applied one is short of', () => {
    assert.deepEqual(told(digest, 'Applied', 'Current'), { state: 'good', message: 'healthy' })
    assert.deepEqual(told(digest, 'Applied', 'Failed', 'crashes').state, 'failed')
    for (const health of ['Unknown', 'InProgress', 'Terminating', 'NotFound']) {
      const message = `is not healthy yet (${health})`
      assert.deepEqual(told(digest, 'Applied', health), { state: 'moving', message })
    }
  })
})
