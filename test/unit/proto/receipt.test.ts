import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { digestOf } from '../../../proto/digest.ts'
import { type Receipt, ReceiptError, openReceipt, signReceipt } from '../../../proto/receipt.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const bound = String(publicKey.export({ format: 'jwk' }).x)
const receipt: Receipt = {
  v: 1,
  fleet: 'f',
  iss: 'id-a',
  snapshot: digestOf('snapshot'),
  epoch: 1,
  sequence: 7,
  application: 'shop',
  generation: 12,
  content: digestOf('manifest'),
  outcome: 'applied',
  objects: 2,
  results: digestOf('[]'),
  at: 1_767_225_600,
}

describe('a receipt', () => {
  it('is opened with the key that signed it', () => {
    assert.deepEqual(openReceipt(signReceipt(receipt, privateKey), bound), receipt)
  })

  it('is nobody’s with any bit of it changed, and with any other key', () => {
    const envelope = signReceipt(receipt, privateKey)
    fc.assert(
      fc.property(
        fc.nat({ max: envelope.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, x) => {
          const forged = Buffer.from(envelope)
          forged[at] = forged[at]! ^ x
          assert.throws(() => openReceipt(forged, bound), ReceiptError)
        },
      ),
    )
    const other = String(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x)
    assert.throws(() => openReceipt(envelope, other), ReceiptError)
  })

  it('takes no other header, be it signed: another type, algorithm, or one member more', () => {
    const [header = '', payload = ''] = Buffer.from(signReceipt(receipt, privateKey))
      .toString()
      .split('.')
    const known = JSON.parse(Buffer.from(header, 'base64url').toString()) as object
    for (const change of [
      { typ: 'groundswell.snapshot+jws;v=1' },
      { alg: 'none' },
      { jwk: { kty: 'OKP' } },
    ]) {
      const odd = Buffer.from(JSON.stringify({ ...known, ...change })).toString('base64url')
      const signature = sign(null, Buffer.from(`${odd}.${payload}`), privateKey)
      const envelope = Buffer.from(`${odd}.${payload}.${signature.toString('base64url')}`)
      assert.throws(() => openReceipt(envelope, bound), /header/)
    }
  })

  it('is strict about what it says', () => {
    const wrong: object[] = [
      { v: 2 },
      { extra: 1 },
      { outcome: 'well' },
      { content: 'removed' },
      { generation: 0 },
      { results: 'none' },
      { iss: '' },
    ]
    for (const change of wrong) {
      const envelope = signReceipt({ ...receipt, ...change }, privateKey)
      assert.throws(() => openReceipt(envelope, bound), ReceiptError, JSON.stringify(change))
    }
    assert.throws(() => openReceipt(Buffer.alloc(9_000, 97), bound), /too large/)
  })
})
