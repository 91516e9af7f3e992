import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AgentStatus,
  describeStatus,
  formatStatus,
  parseStatus,
} from '../../../../agent/local/status.ts'
import type { ApplicationState } from '../../../../agent/observe/status.ts'

const now = Date.parse('2026-01-02T00:00:00Z')
const web: ApplicationState = {
  application: 'web',
  manifestDigest: null,
  generation: 7,
  phase: 'Failed',
  health: 'InProgress',
  objects: 3,
  readyObjects: 2,
  unhealthy: [
    { object: 'apps/Deployment/shop/web', health: 'InProgress', message: 'pod web-1: pending' },
  ],
  errors: [{ object: '/ConfigMap/shop/c', file: 'c.yaml', code: 'apply_invalid', message: 'no' }],
  drift: [
    {
      object: '/ConfigMap/shop/d',
      missing: false,
      firstSeen: now - 60_000,
      fields: [{ path: '/data/a', desired: '"1"', live: '"2"', manager: 'kubectl' }],
    },
    { object: '/ConfigMap/shop/e', missing: true, firstSeen: now - 600_000, fields: [] },
  ],
  driftedObjects: 2,
  healed: 4,
}
const status: AgentStatus = {
  cluster: 'edge-1',
  fleet: 'demo',
  version: '0.1.0',
  hub: { address: 'hub:8444', connectedSince: now - 7_200_000 },
  stale: false,
  position: { rootVersion: 2, epoch: 1, sequence: 9, snapshotDigest: 'sha256:x' },
  applications: [web],
}

describe('describeStatus', () => {
  it('says what is not at hand, and what would be lost with the disk', () => {
    const position = { ...status.position, snapshotDigest: '' }
    assert.match(
      describeStatus({ ...status, position, stale: true, applications: [] }, now),
      /\nat sequence 9 of epoch 1, root 2, whose content is not at hand: leaves all as it is, until the hub sends it\n$/,
    )
    assert.match(
      describeStatus({ ...status, notKept: '1 objects of 9 bytes do not fit', stale: true }, now),
      /; stale: .*\nwould not survive the loss of its disk: 1 objects of 9 bytes do not fit\n/,
    )
  })

  it('tells where the agent is and what ails each application', () => {
    assert.equal(
      describeStatus(status, now),
      `cluster edge-1 of fleet demo, agent 0.1.0
connected to hub:8444 for 2h
at sequence 9 of epoch 1, root 2

web: Failed, InProgress, 2 of 3 objects ready, 4 repaired so far
  apps/Deployment/shop/web: InProgress: pod web-1: pending
  /ConfigMap/shop/c: c.yaml: apply_invalid: no
  /ConfigMap/shop/d: /data/a is "2", should be "1" (kubectl)
  /ConfigMap/shop/e: is missing, for 10m
`,
    )
  })

  it('says what an application waits for', () => {
    const waiting = 'pre hook Job shop/migrate has not ended'
    const text = describeStatus({ ...status, applications: [{ ...web, waiting }] }, now)
    assert.match(text, /\n  waiting: pre hook Job shop\/migrate has not ended\n/)
  })

  it('says when nobody vouches for it, and when it has nothing', () => {
    const away = { ...status, hub: { address: 'hub:8444', connectedSince: null }, stale: true }
    const text = describeStatus({ ...away, applications: [] }, now)
    assert.match(
      text,
      /away from the hub \(hub:8444\); goes on with what it has\n.*; stale: nobody/,
    )
    const position = { ...status.position, sequence: 0 }
    assert.match(describeStatus({ ...status, position }, now), /has accepted nothing yet/)
  })

  it('is read as it was written', () => {
    assert.deepEqual(parseStatus(formatStatus(status)), status)
    assert.equal(parseStatus('{}\n'), undefined)
  })
})
