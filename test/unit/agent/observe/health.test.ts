import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { computeHealth } from '../../../../agent/observe/health.ts'
import type { Health } from '../../../../agent/observe/status.ts'

const now = Date.parse('2026-01-01T00:01:00Z')

function object(
  apiVersion: string,
  kind: string,
  parts: { spec?: unknown; status?: unknown; metadata?: object } = {},
): LiveObject {
  const { metadata, ...rest } = parts
  return { apiVersion, kind, metadata: { name: 'x', generation: 2, ...metadata }, ...rest }
}

const condition = (type: string, status: string, reason = '', message = '') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:50Z',
})
const done = {
  observedGeneration: 2,
  replicas: 3,
  updatedReplicas: 3,
  readyReplicas: 3,
  availableReplicas: 3,
  conditions: [
    condition('Progressing', 'True', 'NewReplicaSetAvailable'),
    condition('Available', 'True'),
  ],
}
const deployment = (status: object, spec: object = {}) =>
  object('apps/v1', 'Deployment', {
    spec: { replicas: 3, progressDeadlineSeconds: 600, ...spec },
    status: { ...done, ...status },
  })
const set = (status: object, spec: object = {}) =>
  object('apps/v1', 'StatefulSet', {
    spec: { replicas: 3, ...spec },
    status: { replicas: 3, readyReplicas: 3, currentReplicas: 3, ...status },
  })
const daemons = (status: object) =>
  object('apps/v1', 'DaemonSet', {
    status: {
      observedGeneration: 2,
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      updatedNumberScheduled: 2,
      numberAvailable: 2,
      numberReady: 2,
      ...status,
    },
  })
const pod = (status: object) => object('v1', 'Pod', { status })
const definition = (...conditions: object[]) =>
  object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { status: { conditions } })
const custom = (status: object, metadata = {}) =>
  object('sea.example.org/v1', 'Tide', { status, metadata })
const unschedulable = (at: string) =>
  pod({
    phase: 'Pending',
    conditions: [
      { ...condition('PodScheduled', 'False', 'Unschedulable'), lastTransitionTime: at },
    ],
  })
const waiting = { name: 'main', state: { waiting: { reason: 'CrashLoopBackOff' } } }

const table: readonly (readonly [what: string, object: LiveObject, health: Health])[] = [
  ['deleted', custom({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'Terminating'],
  ['generation not yet observed', custom({ observedGeneration: 1 }), 'InProgress'],
  ['reconciling', custom({ conditions: [condition('Reconciling', 'True')] }), 'InProgress'],
  ['stalled', custom({ conditions: [condition('Stalled', 'True')] }), 'Failed'],
  ['custom, ready', custom({ conditions: [condition('Ready', 'True')] }), 'Current'],
  ['custom, not ready', custom({ conditions: [condition('Ready', 'False')] }), 'InProgress'],
  ['custom, ready unknown', custom({ conditions: [condition('Ready', 'Unknown')] }), 'InProgress'],
  ['custom, says nothing', custom({}), 'Current'],
  ['deployment, done', deployment({}), 'Current'],
  [
    'deployment, deadline exceeded',
    deployment({ conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')] }),
    'Failed',
  ],
  ['deployment, new', object('apps/v1', 'Deployment', { spec: { replicas: 1 } }), 'InProgress'],
  ['deployment, replicas missing', deployment({ replicas: 2 }), 'InProgress'],
  ['deployment, not updated', deployment({ updatedReplicas: 2 }), 'InProgress'],
  ['deployment, old pods left', deployment({ replicas: 4 }), 'InProgress'],
  ['deployment, not available', deployment({ availableReplicas: 2 }), 'InProgress'],
  ['deployment, not ready', deployment({ readyReplicas: 2 }), 'InProgress'],
  [
    'deployment, new replica set not available',
    deployment({
      conditions: [
        condition('Progressing', 'True', 'ReplicaSetUpdated'),
        condition('Available', 'True'),
      ],
    }),
    'InProgress',
  ],
  [
    'deployment without a deadline',
    deployment(
      { conditions: [condition('Available', 'True')] },
      { progressDeadlineSeconds: undefined },
    ),
    'Current',
  ],
  [
    'deployment, Available false',
    deployment({
      conditions: [
        condition('Progressing', 'True', 'NewReplicaSetAvailable'),
        condition('Available', 'False'),
      ],
    }),
    'InProgress',
  ],
  ['set, OnDelete', set({ replicas: 0 }, { updateStrategy: { type: 'OnDelete' } }), 'Current'],
  ['set, done', set({ currentRevision: 'a', updateRevision: 'a' }), 'Current'],
  ['set, replicas missing', set({ replicas: 2 }), 'InProgress'],
  ['set, not ready', set({ readyReplicas: 2 }), 'InProgress'],
  ['set, scaling down', set({ replicas: 4 }), 'InProgress'],
  [
    'set, partition reached',
    set({ updatedReplicas: 1 }, { updateStrategy: { rollingUpdate: { partition: 2 } } }),
    'Current',
  ],
  [
    'set, partition not reached',
    set({ updatedReplicas: 0 }, { updateStrategy: { rollingUpdate: { partition: 2 } } }),
    'InProgress',
  ],
  ['set, not current', set({ currentReplicas: 1 }), 'InProgress'],
  ['set, between revisions', set({ currentRevision: 'a', updateRevision: 'b' }), 'InProgress'],
  ['daemons, done', daemons({}), 'Current'],
  ['daemons, not seen', object('apps/v1', 'DaemonSet', { status: {} }), 'InProgress'],
  ['daemons, not scheduled', daemons({ desiredNumberScheduled: undefined }), 'InProgress'],
  ['daemons, behind', daemons({ updatedNumberScheduled: 1 }), 'InProgress'],
  ['daemons, not ready', daemons({ numberReady: 1 }), 'InProgress'],
  [
    'replica set, failure',
    object('apps/v1', 'ReplicaSet', {
      status: { conditions: [condition('ReplicaFailure', 'True')] },
    }),
    'InProgress',
  ],
  ['pod, succeeded', pod({ phase: 'Succeeded' }), 'Current'],
  ['pod, failed', pod({ phase: 'Failed' }), 'Current'],
  ['pod, ready', pod({ phase: 'Running', conditions: [condition('Ready', 'True')] }), 'Current'],
  ['pod, crashing', pod({ phase: 'Running', containerStatuses: [waiting] }), 'Failed'],
  ['pod, running', pod({ phase: 'Running' }), 'InProgress'],
  ['pod, unschedulable at first', unschedulable('2026-01-01T00:00:50Z'), 'InProgress'],
  ['pod, unschedulable for long', unschedulable('2026-01-01T00:00:40Z'), 'Failed'],
  ['pod, no phase', pod({}), 'InProgress'],
  [
    'job, complete',
    object('batch/v1', 'Job', { status: { conditions: [condition('Complete', 'True')] } }),
    'Current',
  ],
  [
    'job, failed',
    object('batch/v1', 'Job', { status: { conditions: [condition('Failed', 'True')] } }),
    'Failed',
  ],
  ['job, not started', object('batch/v1', 'Job', { status: {} }), 'InProgress'],
  ['job, running', object('batch/v1', 'Job', { status: { startTime: 'x' } }), 'Current'],
  [
    'claim, bound',
    object('v1', 'PersistentVolumeClaim', { status: { phase: 'Bound' } }),
    'Current',
  ],
  [
    'claim, lost',
    object('v1', 'PersistentVolumeClaim', { status: { phase: 'Lost' } }),
    'InProgress',
  ],
  ['service', object('v1', 'Service', { spec: { type: 'ClusterIP' } }), 'Current'],
  ['balancer, no IP', object('v1', 'Service', { spec: { type: 'LoadBalancer' } }), 'InProgress'],
  ['budget, not seen', object('policy/v1', 'PodDisruptionBudget', { status: {} }), 'InProgress'],
  ['definition, established', definition(condition('Established', 'True')), 'Current'],
  ['definition, names taken', definition(condition('NamesAccepted', 'False')), 'Failed'],
  [
    'definition, installing',
    definition(condition('Established', 'False', 'Installing')),
    'InProgress',
  ],
  ['definition, refused', definition(condition('Established', 'False', 'Other')), 'Failed'],
  ['definition, new', definition(), 'InProgress'],
  ['config', object('v1', 'ConfigMap'), 'Current'],
]

describe('computeHealth', () => {
  for (const [what, object, health] of table) {
    it(`calls "${what}" ${health}`, () => assert.equal(computeHealth(object, now).health, health))
  }

  it('says in words why a Deployment does not get ready', () => {
    const words = 'Deployment does not have minimum availability.'
    const stuck = deployment({
      availableReplicas: 0,
      conditions: [condition('Available', 'False', 'MinimumReplicasUnavailable', words)],
    })
    assert.equal(computeHealth(stuck, now).message, words)
  })
})
