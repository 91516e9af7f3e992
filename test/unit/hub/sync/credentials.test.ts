import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { RenewSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { emptyMembership, foldMembership } from '../../../../hub/ledger/membership.ts'
import { createCredentials } from '../../../../hub/sync/credentials.ts'
import { clientAuth } from '../../../../hub/sync/identity.ts'
import type { Pins } from '../../../../hub/sync/pins.ts'
import { formatSerial } from '../../../../hub/sync/serial-number.ts'
import type { Authority } from '../../../../hub/sync/x509.ts'

const enrolment = {
  ...{ cluster: 'a', clusterId: 'id-a', clusterUid: 'uid-a', boundKey: '', enrolledAt: 0 },
}
const numbered = (generation: number) => ({
  ...{ series: 0, generation, serial: formatSerial(0, generation, Buffer.alloc(9, generation)) },
})

/** A hub whose Redis holds these pins. */
function world(pinned: Pins | undefined) {
  const membership = emptyMembership()
  foldMembership(membership, { type: 'cluster.enrolled', enrolment, tokenId: 't' }, 0)
  const locked: string[] = []
  let held = pinned
  const credentials = createCredentials({
    fleet: 'test',
    membership,
    pins: {
      get: async () => held && { pins: held, was: JSON.stringify(held) },
      replace: async (_, __, next) => Boolean((held = next)),
    },
    authority: {
      certificate: 'ca',
      readRequest: async (request: Uint8Array) => request,
      issue: async (_: unknown, __: unknown, { generation }: { generation: number }) => {
        return { chain: 'pem', serial: numbered(generation).serial }
      },
    } as unknown as Authority,
    lock: async (_, reason) => void locked.push(reason),
  })
  const renew = (generation: number, key = 1) =>
    credentials.renew(
      enrolment,
      numbered(generation),
      create(RenewSchema, {
        generation: BigInt(generation),
        certificateRequest: new Uint8Array([key]),
      }),
    )
  const open = (generation: number) =>
    credentials.identify({
      subjectaltname: 'URI:spiffe://test/cluster/id-a',
      serialNumber: numbered(generation).serial,
      ext_key_usage: [clientAuth],
    })
  /** A stream is opened with this one. */
  async function use(generation: number): Promise<void> {
    assert.ok((await open(generation)).ok)
  }
  return { open, renew, use, locked, membership, pins: () => held }
}

describe('renewal over a stream that was opened before', () => {
  const next = { serial: numbered(5).serial, generation: 5, key: 'sha256:other' }

  for (const [what, pinned] of [
    ['knows the generation before', { ...numbered(4), next: null }],
    ['has the one in use for the next', { ...numbered(4), next }],
    ['knows a generation of long ago', { ...numbered(1), next: null }],
    ['was emptied', undefined],
  ] as const) {
    test(`F12: locks nobody out of a Redis that went back: it ${what}`, async () => {
      const it = world(pinned)
      assert.equal((await it.renew(5)).generation, 6n)
      assert.deepEqual(it.locked, [])
      assert.deepEqual([it.pins()?.generation, it.pins()?.next?.generation], [5, 6])
    })
  }

  test('T20: locks a certificate that another has taken the place of', async () => {
    const it = world({ ...numbered(5), next: null })
    await assert.rejects(it.renew(4), { code: 'identity_barred' })
    assert.match(it.locked[0]!, /two agents share one identity/)
  })

  test('T20: a question that a slow stream brings after its answer came by another locks nobody', async () => {
    const it = world({ ...numbered(4), next: null })
    // As it was answered on a stream that was dialled since, and the answer taken.
    await it.renew(4)
    await it.use(5)
    await assert.rejects(it.renew(4), { code: 'identity_refused' })
    assert.deepEqual(it.locked, [])
    assert.deepEqual([it.pins()?.generation, it.pins()?.next], [5, null])
    assert.equal((await it.renew(5)).generation, 6n)
  })

  test('T20: the same question for another key is another agent, however late', async () => {
    const it = world({ ...numbered(4), next: null })
    await it.renew(4)
    await it.use(5)
    await assert.rejects(it.renew(4, 2), { code: 'identity_barred' })
    assert.equal(it.locked.length, 1)
  })

  test('a stream of a series before does not renew, nor touch what is pinned of the next', async () => {
    const it = world({ ...numbered(1), series: 1, next: null })
    foldMembership(
      it.membership,
      {
        ...{ type: 'cluster.unlocked', cluster: 'a', clusterId: 'id-a', reason: '' },
        ...{ series: 1, recoverable: 2 },
      },
      0,
    )
    await assert.rejects(it.renew(4), { code: 'identity_refused' })
    assert.deepEqual([it.pins()?.series, it.locked], [1, []])
  })
})

test('T20: who is barred while Redis is asked gets no stream', async () => {
  const it = world({ ...numbered(5), next: null })
  const opened = it.open(5)
  foldMembership(it.membership, { type: 'cluster.revoked', cluster: 'a', reason: 'stolen' }, 1)
  assert.deepEqual(await opened, {
    ...{ ok: false, barred: true, reason: 'this cluster was revoked: stolen' },
  })
})
