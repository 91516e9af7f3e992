import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { findWarning, findWorstPod } from '../../../../agent/observe/diagnosis.ts'

const pod = (name: string, status: object, metadata: object = {}): LiveObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  status,
})
const container = (status: object) => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'False' }],
  containerStatuses: [{ name: 'app', ready: false, restartCount: 0, ...status }],
})
const ready = pod('well', {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True' }],
  containerStatuses: [
    { name: 'app', ready: true, restartCount: 3, lastState: { terminated: { exitCode: 1 } } },
  ],
})

const cases: readonly (readonly [what: string, status: object, words: string | undefined])[] = [
  [
    'a container that crashes again and again',
    container({
      restartCount: 5,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 2m40s restarting …' } },
      lastState: { terminated: { reason: 'Error', exitCode: 137, message: 'password=hunter2' } },
    }),
    'pod p: container app waits, CrashLoopBackOff: restarted 5 times, exit code 137',
  ],
  [
    'a container that was killed for its memory',
    container({
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
    }),
    'pod p: container app is not ready, restarted 1 times, OOMKilled exit code 137',
  ],
  [
    'an image that cannot be pulled',
    container({
      state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x:1"' } },
    }),
    'pod p: container app waits, ImagePullBackOff: Back-off pulling image "x:1"',
  ],
  [
    'an init container that failed',
    {
      phase: 'Pending',
      initContainerStatuses: [
        { name: 'migrate', state: { terminated: { reason: 'Error', exitCode: 2 } } },
      ],
      containerStatuses: [{ name: 'app', state: { waiting: { reason: 'PodInitializing' } } }],
    },
    'pod p: container migrate ended, exit code 2',
  ],
  [
    'a pod that no node takes',
    {
      phase: 'Pending',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/3 nodes are available',
        },
      ],
    },
    'pod p: not scheduled: 0/3 nodes are available',
  ],
  [
    'a pod that was evicted',
    { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory' },
    'pod p: Evicted: The node was low on resource: memory',
  ],
  ['a pod that just starts', { phase: 'Pending' }, 'pod p: pending'],
  ['a probe that fails', container({ state: { running: {} } }), 'pod p: running, not ready'],
  ['a pod that is done', { phase: 'Succeeded' }, undefined],
]

describe('findWorstPod', () => {
  for (const [what, status, words] of cases) {
    it(`tells of ${what}`, () => {
      assert.equal(findWorstPod([ready, pod('p', status)])?.words, words)
    })
  }

  it('takes the pod that says most, and none that is well or on its way out', () => {
    const pending = pod('pending', { phase: 'Pending' })
    const crashing = pod('crashing', cases[0]![1])
    const going = pod('going', cases[0]![1], { deletionTimestamp: '2026-01-01T00:00:00Z' })
    assert.equal(findWorstPod([pending, crashing, ready])?.pod.metadata.name, 'crashing')
    assert.equal(findWorstPod([ready, going]), undefined)
  })

  it('I10: never tells what a container wrote', () => {
    for (const [, status] of cases) {
      assert.ok(!(findWorstPod([pod('p', status)])?.words ?? '').includes('hunter2'))
    }
  })

  it('clips words that are long', () => {
    const status = { phase: 'Failed', reason: 'Evicted', message: 'x'.repeat(10_000) }
    assert.ok(findWorstPod([pod('p', status)])!.words.length < 300)
  })
})

describe('findWarning', () => {
  const event = (reason: string, lastTimestamp: string, type = 'Warning'): LiveObject => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: reason },
    type,
    reason,
    message: `${reason} happened`,
    lastTimestamp,
  })

  it('is the newest one', () => {
    const older = event('FailedMount', '2026-01-01T00:00:00Z')
    const newer = event('Unhealthy', '2026-01-01T00:01:00Z')
    const normal = event('Pulled', '2026-01-01T00:02:00Z', 'Normal')
    assert.equal(findWarning([older, newer, normal]), 'Unhealthy: Unhealthy happened')
    assert.equal(findWarning([normal]), undefined)
  })
})
