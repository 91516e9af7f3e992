import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { judgeForGate } from '../../../../agent/observe/gate-health.ts'
import { computeHealth } from '../../../../agent/observe/health.ts'
import type { Health } from '../../../../agent/observe/status.ts'

const now = Date.parse('2026-01-01T00:01:00Z')
const object = (apiVersion: string, kind: string, parts: object): LiveObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x', generation: 1 },
  ...parts,
})
const conditions = (type: string) => ({ conditions: [{ type, status: 'True', message: 'words' }] })
const balancer = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }
const job = (status: object) => object('batch/v1', 'Job', { status })
const service = (spec: object, status = {}) => object('v1', 'Service', { spec, status })
const ingress = (status: object) => object('networking.k8s.io/v1', 'Ingress', { status })
const pod = (spec: object, status: object) => object('v1', 'Pod', { spec, status })
/** With conditions of these generations, and one that says of none. */
const resource = (generation: number, observed: readonly number[]) => ({
  ...object('cert-manager.io/v1', 'Certificate', {
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        ...observed.map((of) => ({ type: 'Issued', status: 'True', observedGeneration: of })),
      ],
    },
  }),
  metadata: { name: 'x', generation },
})
const waiting = (reason: string) => ({
  phase: 'Running',
  containerStatuses: [{ name: 'web', state: { waiting: { reason } } }],
})

/** What it is; what kstatus calls it; what Argo CD's rules make of it for a gate. */
const table: readonly (readonly [string, LiveObject, Health, Health])[] = [
  ['a job that runs', job({ startTime: 'x' }), 'Current', 'InProgress'],
  ['a job that is done', job({ startTime: 'x', ...conditions('Complete') }), 'Current', 'Current'],
  ['a job that failed', job(conditions('Failed')), 'Failed', 'Failed'],
  ['a suspended job', job(conditions('Suspended')), 'InProgress', 'InProgress'],
  [
    'a suspended job that had begun',
    job({ startTime: 'x', ...conditions('Suspended') }),
    'Current',
    'InProgress',
  ],
  [
    'a load balancer without address',
    service({ type: 'LoadBalancer', clusterIP: 'x' }),
    'Current',
    'InProgress',
  ],
  [
    'a load balancer',
    service({ type: 'LoadBalancer', clusterIP: 'x' }, balancer),
    'Current',
    'Current',
  ],
  ['a service within', service({ type: 'ClusterIP' }), 'Current', 'Current'],
  ['an ingress without address', ingress({}), 'Current', 'InProgress'],
  ['an ingress', ingress(balancer), 'Current', 'Current'],
  [
    'a claim whose volume is lost',
    object('v1', 'PersistentVolumeClaim', { status: { phase: 'Lost' } }),
    'InProgress',
    'Failed',
  ],
  [
    'a claim',
    object('v1', 'PersistentVolumeClaim', { status: { phase: 'Bound' } }),
    'Current',
    'Current',
  ],
  ['a resource whose conditions are of before', resource(3, [1, 2]), 'Current', 'InProgress'],
  ['a resource of which one condition is of now', resource(3, [1, 3]), 'Current', 'Current'],
  ['a resource whose conditions do not say', resource(3, []), 'Current', 'Current'],
  ['a pod that failed', pod({}, { phase: 'Failed' }), 'Current', 'Failed'],
  ['a pod that ended well', pod({}, { phase: 'Succeeded' }), 'Current', 'Current'],
  ['a pod without its image', pod({}, waiting('ErrImagePull')), 'InProgress', 'Failed'],
  ['a pod that waits to pull', pod({}, waiting('ImagePullBackOff')), 'InProgress', 'Failed'],
  [
    'a pod that cannot be configured',
    pod({}, waiting('CreateContainerConfigError')),
    'InProgress',
    'Failed',
  ],
  ['a pod that is being made', pod({}, waiting('ContainerCreating')), 'InProgress', 'InProgress'],
  [
    'a pod that runs to an end',
    pod({ restartPolicy: 'Never' }, { phase: 'Running', ...conditions('Ready') }),
    'Current',
    'InProgress',
  ],
  [
    'a pod that is ready',
    pod({}, { phase: 'Running', ...conditions('Ready') }),
    'Current',
    'Current',
  ],
  [
    'something else',
    object('example.com/v1', 'Widget', { status: conditions('Ready') }),
    'Current',
    'Current',
  ],
]

describe('judgeForGate', () => {
  for (const [what, live, display, gate] of table) {
    it(`shows ${what} as ${display}, and takes it for ${gate}`, () => {
      const seen = computeHealth(live, now)
      assert.equal(seen.health, display)
      assert.equal(judgeForGate(live, seen).health, gate)
    })
  }

  it('does not pass a paused deployment, however well it is', () => {
    const paused = object('apps/v1', 'Deployment', { spec: { paused: true } })
    const verdict = judgeForGate(paused, { health: 'Current', message: '' })
    assert.deepEqual(verdict, { health: 'InProgress', message: 'is paused' })
  })

  it('never calls anything better than it shows', () => {
    const done = job(conditions('Complete'))
    for (const health of ['Failed', 'Terminating', 'Unknown', 'NotFound'] as const) {
      assert.equal(judgeForGate(done, { health, message: '' }).health, health)
    }
  })
})
