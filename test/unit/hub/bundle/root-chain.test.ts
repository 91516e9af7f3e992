import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPayload } from '../../../../hub/bundle/root-chain.ts'
import { typOf } from '@groundswell/proto/statement.ts'

function envelopeOf(payload: string): Buffer {
  const encode = (text: string): string => Buffer.from(text).toString('base64url')
  const header = JSON.stringify({ alg: 'EdDSA', kid: 'A'.repeat(43), typ: typOf('root') })
  const signature = Buffer.alloc(64).toString('base64url')
  const signatures = [{ protected: encode(header), signature }]
  return Buffer.from(JSON.stringify({ payload: encode(payload), signatures }))
}

test('reads a payload as agents will: one they would refuse for a member named twice is refused here', () => {
  assert.deepEqual(readPayload(envelopeOf('{"version":1}'), 'root'), { version: 1 })
  assert.throws(() => readPayload(envelopeOf('{"version":1,"version":2}'), 'root'), {
    code: 'root_refused',
  })
})
