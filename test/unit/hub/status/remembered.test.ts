import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import { foldReport, unknownCluster } from '../../../../hub/status/fold.ts'
import { observeCluster } from '../../../../hub/status/observe.ts'
import { readRemembered } from '../../../../hub/status/remembered.ts'
import type { ClusterStatus } from '../../../../hub/status/status.ts'
import { create } from '@bufbuild/protobuf'
import { ReportSchema } from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import { toApplicationReport } from '../../../../agent/observe/report.ts'
import { upset } from '../../../support/upset-application.ts'

const now = 1_767_225_600_000

/** With everything in it that a status can have. */
function whole(): ClusterStatus {
  const gate = {
    health: 'Failed',
    objects: [{ object: 'x', health: 'Failed', message: 'm' }],
  } as const
  const state = { ...upset('shop', 'é'), gate, waiting: 'for others' }
  const held = { digest: digestOf('held'), generation: 4 }
  const hold = {
    refuse: true,
    until: 5,
    reason: 'r',
    applications: ['shop'],
    source: 's',
    fault: '',
  }
  const report = create(ReportSchema, {
    complete: true,
    applications: [toApplicationReport({ ...state, held })],
    facts: { kubernetesVersion: 'v1.35', nodes: 3, agentVersion: '1' },
  })
  return {
    ...foldReport(unknownCluster('a'), report, now - 1_000),
    connection: { state: 'Connected', since: now - 5_000, replica: 'one' },
    freshUntil: now + 60_000,
    ledgerFault: { code: 'audit_forked', message: 'm' },
    equivocations: [
      { epoch: 1, sequence: 2, accepted: digestOf('1'), refused: digestOf('2'), at: now - 9 },
    ],
    holds: [hold],
  }
}

const read = (value: unknown, cluster = 'a') => readRemembered(cluster, JSON.stringify(value), now)

describe('T32: a status that Redis gives back', () => {
  it('is what was saved, of a cluster that is away since then', () => {
    const saved = whole()
    assert.deepEqual(read(saved), {
      ...saved,
      connection: { state: 'Disconnected', since: now },
    })
    assert.deepEqual(read(unknownCluster('a')), unknownCluster('a'))
  })

  it('is nothing when it has another form, or is of another cluster', () => {
    const saved = whole()
    for (const [what, value] of Object.entries({
      'a number': 5,
      nothing: null,
      'a list': [],
      'another cluster': { ...saved, cluster: 'b' },
      'no applications': { ...saved, applications: null },
      'an application that is none': { ...saved, applications: { shop: 7 } },
      'a time that is none': { ...saved, lastSeen: 'now' },
      'a sequence that is none': { ...saved, sequence: -1 },
      'a connection that is none': { ...saved, connection: { state: 'Connected' } },
    })) {
      assert.equal(read(value), undefined, what)
    }
    assert.equal(readRemembered('a', 'garbage', now), undefined)
  })

  it('says nothing about a stream that is opened after, whatever times it bears', () => {
    const saved = whole()
    const shop = saved.applications['shop']!
    const healthy = { ...shop, phase: 'Applied', health: 'Current', gate: undefined } as const
    const forged = {
      ...saved,
      refusal: { code: 'rollback', message: 'made up' },
      connection: { state: 'Disconnected', since: 9e15 },
      lastSeen: 9e15,
      freshUntil: 9e15,
      applications: { shop: { ...healthy, updatedAt: 9e15 } },
    }
    const found = read(forged)!
    assert.deepEqual(found.connection, { state: 'Disconnected', since: now })
    assert.ok(found.freshUntil! <= now + 3_600_000 && found.lastSeen! <= now)
    // Connected at the very moment it was read, and not heard yet.
    const back: ClusterStatus = {
      ...found,
      connection: { state: 'Connected', since: now, replica: 'one' },
    }
    const seen = observeCluster(back, 'shop')
    assert.deepEqual([seen.application, seen.refusal], [null, null])
  })

  it('with any bytes changed is a status or nothing, and never an error', () => {
    const text = JSON.stringify(whole())
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 6 }), (at, put) => {
        const found = readRemembered(
          'a',
          text.slice(0, at) + put + text.slice(at + put.length),
          now,
        )
        if (!found) return
        const report = create(ReportSchema, {
          applications: [toApplicationReport(upset('blog', 'x'))],
        })
        assert.equal(foldReport(found, report, now).applications['blog']?.phase, 'Failed')
        observeCluster(found, 'shop')
      }),
      { numRuns: 60 },
    )
  })
})
