import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import { ReceiptSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { type Receipt, encodeResults, signReceipt } from '@groundswell/proto/receipt.ts'
import type { Decision, Enrolment } from '../../../../hub/ledger/entry.ts'
import { createReceipts } from '../../../../hub/receipt/keep.ts'

const keys = generateKeyPairSync('ed25519')
const enrolment: Enrolment = {
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid',
  boundKey: String(keys.publicKey.export({ format: 'jwk' }).x),
  enrolledAt: 1,
}

const oneObject = encodeResults([
  { object: '/ConfigMap/n/a', result: 'applied', resourceVersion: '1', code: '' },
])

function messageOf(
  change: Partial<Receipt> = {},
  key: KeyObject = keys.privateKey,
  more = '',
  came = oneObject,
) {
  const results = Buffer.from(came)
  const envelope = signReceipt(
    {
      ...{ v: 1, fleet: 'f', iss: 'id-a', snapshot: digestOf('s'), epoch: 1, sequence: 1 },
      ...{ application: 'shop', generation: 3, content: digestOf('m'), outcome: 'applied' },
      ...{ objects: 1, results: digestOf(results), at: 1_767_225_600 },
      ...change,
    },
    key,
  )
  return create(ReceiptSchema, {
    envelope: Uint8Array.from(envelope),
    results: Uint8Array.from(Buffer.concat([results, Buffer.from(more)])),
  })
}

function createWorld() {
  const kept: Decision[] = []
  const stored: string[] = []
  const warned: string[] = []
  const whys: unknown[] = []
  let now = 0
  const due: (() => void)[] = []
  let failing = false
  const receipts = createReceipts({
    fleet: 'f',
    append: async (_, decisions) => {
      if (failing) throw new Error('full')
      kept.push(...decisions)
    },
    store: async (results) => void stored.push(...results.keys()),
    later: (_, run) => due.push(run),
    log: (_, message, fields) => {
      warned.push(message)
      whys.push((fields as { why?: string }).why)
    },
    isKnown: (_, application) => ['shop', 'web'].includes(application),
    monotonic: () => now,
  })
  return {
    ...{ receipts, kept, stored, warned, whys },
    pass: (ms: number) => (now += ms),
    count: () =>
      kept.reduce((sum, one) => sum + (one.type === 'receipts.kept' ? one.receipts.length : 0), 0),
    fail: (now: boolean) => (failing = now),
    async flush() {
      for (const run of due.splice(0)) run()
      await new Promise<void>((resolve) => setImmediate(resolve))
    },
  }
}

describe('keeping receipts', () => {
  it('gathers them: one line of the ledger for many, results beside it, each once', async () => {
    const world = createWorld()
    const message = messageOf()
    world.receipts.take(enrolment, message)
    world.receipts.take(enrolment, message)
    world.receipts.take(enrolment, messageOf({ application: 'web' }))
    assert.equal(world.kept.length, 0)
    await world.flush()
    const [decision] = world.kept
    assert.ok(decision?.type === 'receipts.kept')
    assert.deepEqual(
      decision.receipts.map(({ cluster, application }) => [cluster, application]),
      [
        ['a', 'shop'],
        ['a', 'web'],
      ],
    )
    assert.equal(world.stored.length, 1)
    world.receipts.take(enrolment, message)
    await world.flush()
    assert.equal(world.kept.length, 1)
  })

  it('believes none by another key, of another cluster or fleet, or with other results', async () => {
    const world = createWorld()
    for (const message of [
      messageOf({}, generateKeyPairSync('ed25519').privateKey),
      messageOf({ iss: 'id-b' }),
      messageOf({ fleet: 'g' }),
      messageOf({}, keys.privateKey, ' '),
      messageOf({}, keys.privateKey, '', '{"not":"a list"}'),
      messageOf({ objects: 2 }),
      messageOf({ application: 'of-no-cluster' }),
      create(ReceiptSchema, { envelope: Uint8Array.from(Buffer.from('x.y.z')) }),
    ]) {
      world.pass(60_000)
      world.receipts.take(enrolment, message)
      await world.flush()
    }
    assert.deepEqual(world.kept, [])
    assert.equal(world.warned.filter((text) => /not believed/.test(text)).length, 8)
    assert.equal(new Set(world.whys).size, 6, world.whys.join())
  })

  it('I9 an agent that signs one receipt after the other fills neither ledger nor log', async () => {
    const world = createWorld()
    const sign = async (count: number, change: (at: number) => Partial<Receipt>) => {
      for (let at = 0; at < count; at += 1) {
        world.receipts.take(enrolment, messageOf(change(at)))
        await world.flush()
      }
    }
    await sign(100, (at) => ({ generation: at + 1 }))
    assert.equal(world.count(), 20)
    await sign(1, () => ({ application: 'web' }))
    assert.equal(world.count(), 21, 'another application has its own')
    world.pass(60_000)
    await sign(5, (at) => ({ generation: 200 + at }))
    assert.equal(world.count(), 22)
    await sign(100, (at) => ({ application: `invented-${at}` }))
    assert.equal(world.count(), 22)
    assert.ok(world.warned.length <= 2, `${world.warned.length} lines`)
  })

  it('I9 one agent takes no more than half of the room, and others have theirs', async () => {
    const world = createWorld()
    const message = messageOf()
    for (let at = 0; at < 6_000; at += 1) world.receipts.take(enrolment, message)
    const other = { ...enrolment, cluster: 'b', clusterId: 'id-b' }
    world.receipts.take(other, messageOf({ iss: 'id-b' }))
    for (let at = 0; at < 60; at += 1) await world.flush()
    assert.equal(world.count(), 2)
  })

  it('what could not be written may come again', async () => {
    const world = createWorld()
    world.fail(true)
    world.receipts.take(enrolment, messageOf())
    await world.flush()
    world.fail(false)
    world.receipts.take(enrolment, messageOf())
    await world.flush()
    assert.equal(world.kept.length, 1)
  })

  it('I9 what comes faster than it is kept is let go, in count and in bytes', async () => {
    const world = createWorld()
    const message = messageOf()
    for (let at = 0; at < 6_000; at += 1) world.receipts.take(enrolment, message)
    assert.equal(world.warned.length, 1)
  })
})
