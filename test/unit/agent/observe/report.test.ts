import assert from 'node:assert/strict'
import { it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import { ReportSchema } from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import { aggregate } from '../../../../agent/observe/aggregate.ts'
import { toApplicationReport } from '../../../../agent/observe/report.ts'
import { foldReport, unknownCluster } from '../../../../hub/status/fold.ts'

const facts = {
  application: 'shop',
  manifestDigest: digestOf('x'),
  generation: 3,
  phase: 'Applied',
  healed: 1,
  errors: [],
} as const
const told = (more: Partial<Parameters<typeof aggregate>[0]>) => {
  const state = aggregate({ ...facts, objects: [], drift: [], ...more })
  const report = create(ReportSchema, { applications: [toApplicationReport(state)] })
  return foldReport(unknownCluster('a'), report, 7).applications['shop']
}

it('tells the hub what a gate would wait for, beside what shows', () => {
  const job = { object: 'batch/Job/n/j', health: 'InProgress', message: 'runs' } as const
  const pod = { object: '/Pod/n/p', health: 'Failed', message: 'failed' } as const
  const objects = [job, pod].map((one) => ({ ...one, health: 'Current' as const, message: '' }))
  const status = told({ objects, gated: [job, pod] })
  assert.equal(status?.health, 'Current')
  assert.equal(status.readyObjects, 2)
  assert.deepEqual(status.gate, { health: 'Failed', objects: [pod, job] })
  assert.equal(told({ objects })?.gate, undefined)
})

it('tells the hub who changed a field and when, and who undoes repairs', () => {
  const field = { path: '/spec/x', desired: '1', live: '2', manager: 'hand' }
  const drift = [
    {
      object: 'a/B/n/c',
      missing: false,
      firstSeen: 5,
      fields: [{ ...field, changedAt: 1_000 }, field],
      contestedBy: 'robot',
    },
    { object: 'a/B/n/d', missing: true, firstSeen: 6, fields: [] },
  ]
  assert.deepEqual(told({ drift })?.drift, drift)
})
