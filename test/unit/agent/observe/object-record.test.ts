import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { recordApplied, recordSeen } from '../../../../agent/observe/object-record.ts'
import { hashProjection, projectOwned } from '../../../../agent/observe/fields.ts'

const manager = 'groundswell'
const context = {
  manager,
  now: 0,
  judge: () => {
    const seen = { health: 'Current' as const, message: '' }
    return { seen, gate: seen }
  },
  owner: { application: 'shop', cluster: 'edge-1' },
}

const object: LiveObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'settings',
    namespace: 'shop',
    uid: 'uid-1',
    resourceVersion: '7',
    labels: { theirs: 'label-of-others' },
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'text-of-others' },
    managedFields: [
      {
        manager,
        operation: 'Apply',
        time: '2026-01-01T00:00:00Z',
        fieldsV1: { 'f:data': { 'f:ours': {} } },
      },
      {
        manager: 'manager-of-others',
        operation: 'Update',
        time: '2026-01-02T00:00:00Z',
        fieldsV1: { 'f:data': { 'f:theirs': {} } },
      },
    ],
  },
  data: { ours: 'value-of-ours', theirs: 'value-of-others' },
}

// A watch tells whole objects: only they say what a field holds and who owns it. Kept is what is
// compared next time, so that an agent's memory goes by what it manages and not by what others add.
it('keeps of a watched object the fields we own, and nothing of its metadata or of others', () => {
  const fieldsHash = hashProjection(projectOwned(object, manager)!)
  const expected = { application: 'shop', apiVersion: 'v1', fieldsHash }
  for (const record of [
    recordApplied(object, expected, context, 'sha256:x'),
    recordSeen(object, undefined, expected, context),
    recordSeen(object, recordApplied(object, expected, context, 'sha256:x'), expected, context),
  ]) {
    const text = JSON.stringify(record)
    assert.match(text, /value-of-ours/)
    assert.doesNotMatch(text, /of-others|managedFields|annotations|labels/)
    assert.deepEqual(record.drift, [])
  }
})
