import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { openReceipt } from '@groundswell/proto/receipt.ts'
import type { RequestMessage } from '../../../agent/link/session.ts'
import { type Applied, createReceipts } from '../../../agent/receipts.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const bound = String(publicKey.export({ format: 'jwk' }).x)
const applied = (rest: Partial<Applied> = {}): Applied => ({
  snapshot: { digest: digestOf('s'), epoch: 1, sequence: 3 },
  application: 'shop',
  generation: 5,
  content: digestOf('m'),
  outcome: 'applied',
  objects: () => [{ object: '/ConfigMap/n/a', result: 'applied', resourceVersion: '9', code: '' }],
  ...rest,
})

function createWorld() {
  const sent: string[] = []
  const receipts = createReceipts({
    identity: { fleet: 'f', clusterId: 'id-a' },
    key: privateKey,
    clock: () => 1_767_225_600_000,
  })
  const send = async (message: RequestMessage): Promise<void> => {
    assert.ok(message.case === 'receipt')
    const { envelope, results } = message.value as Record<'envelope' | 'results', Uint8Array>
    const { application, generation, outcome, results: named } = openReceipt(envelope, bound)
    assert.equal(named, digestOf(results))
    sent.push(`${application} ${generation} ${outcome}`)
  }
  return { sent, receipts, send }
}

describe('receipts of an agent', () => {
  it('says once what came of content, and again when another thing came of it', () => {
    const { sent, receipts, send } = createWorld()
    receipts.attach(send)
    receipts.note(applied({ outcome: 'failed' }))
    receipts.note(applied({ outcome: 'failed' }))
    receipts.note(applied())
    receipts.note(applied({ generation: 6 }))
    assert.deepEqual(sent, ['shop 5 failed', 'shop 5 applied', 'shop 6 applied'])
  })

  it('keeps the latest of each application for the next stream, and says it twice at most', () => {
    const { sent, receipts, send } = createWorld()
    receipts.note(applied())
    receipts.note(applied({ generation: 6 }))
    receipts.note(applied({ application: 'web' }))
    assert.deepEqual(sent, [])
    for (let stream = 0; stream < 3; stream += 1) {
      receipts.attach(send)
      receipts.attach(undefined)
    }
    assert.deepEqual(sent, ['shop 6 applied', 'web 5 applied', 'shop 6 applied', 'web 5 applied'])
  })
})
