import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createCachedJudge } from '../../../../hub/check/cached-judge.ts'
import type { Case, Verdict } from '../../../../hub/policy/judge.ts'

const { signal } = new AbortController()
const one: Case = {
  ...{ application: 'shop', content: digestOf('content'), objects: [] },
  ...{ policies: [], kubernetesVersion: '1.35' },
}
const said = (rule: string): Verdict => [
  { policy: 'p', action: 'deny', rule, object: null, file: '', message: 'no' },
]

function createWorld(rule: string, version = 'v1') {
  const kept = new Map<string, Verdict>()
  const world = { judged: 0, kept }
  const judgeAs = (name: string) =>
    createCachedJudge(
      async () => {
        world.judged += 1
        return said(rule)
      },
      {
        get: async (digest) => kept.get(digest),
        put: async (digest, verdict) => void kept.set(digest, verdict),
      },
      name,
    )
  return { world, judge: judgeAs(version), judgeAs }
}

describe('verdicts that are kept', () => {
  it('are of one content under the same policies, for one version of Kubernetes and of the judge', async () => {
    const { world, judge, judgeAs } = createWorld('deny')
    assert.deepEqual(await judge(one, signal), said('deny'))
    assert.deepEqual(await judge(one, signal), said('deny'))
    assert.deepEqual(await judgeAs('v1')(one, signal), said('deny'))
    assert.equal(world.judged, 1)
    await judge({ ...one, kubernetesVersion: '1.36' }, signal)
    await judge({ ...one, content: digestOf('other') }, signal)
    await judge({ ...one, application: 'web' }, signal)
    await judgeAs('v2')(one, signal)
    assert.equal(world.judged, 5)
  })

  it('are none that were not reached', async () => {
    const { world, judgeAs } = createWorld('could not be judged')
    await judgeAs('v1')(one, signal)
    await judgeAs('v1')(one, signal)
    assert.equal(world.judged, 2)
    assert.equal(world.kept.size, 0)
  })
})
