import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { RenewSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { emptyMembership, foldMembership } from '../../../../hub/ledger/membership.ts'
import { createCredentials } from '../../../../hub/sync/credentials.ts'
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
      readRequest: async () => new Uint8Array([1]),
      issue: async (_: unknown, __: unknown, { generation }: { generation: number }) => {
        return { chain: 'pem', serial: numbered(generation).serial }
      },
    } as unknown as Authority,
    lock: async (_, reason) => void locked.push(reason),
  })
  const renew = (generation: number) =>
    credentials.renew(
      enrolment,
      numbered(generation),
      create(RenewSchema, { generation: BigInt(generation) }),
    )
  return { renew, locked, pins: () => held }
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
})
