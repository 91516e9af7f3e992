import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  enrolProof,
  type EnrolProofInput,
  formatJoinToken,
  parseJoinToken,
  secretKey,
} from '@groundswell/proto/enrol.ts'

const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
const token = fc.record(
  {
    tokenId: fc.stringMatching(/^[a-z0-9]{10}$/),
    secret: fc.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    caPin: hex.map((text) => `sha256:${text}`),
    rootDigest: hex.map((text) => `sha256:${text}`),
  },
  { noNullPrototype: true },
)

test('a join token reads back as it was written, white space around it or not', () => {
  fc.assert(
    fc.property(token, (token) => {
      assert.deepEqual(parseJoinToken(`  ${formatJoinToken(token)}\n`), token)
    }),
  )
})

test('a damaged join token is refused without telling its secret', () => {
  const damage = fc.constantFrom<(text: string) => string>(
    (text) => text.slice(1),
    (text) => text.slice(0, -1),
    (text) => `${text}0`,
    (text) => text.replace('gsw1', 'gsw2'),
    (text) => text.split('.').slice(0, 4).join('.'),
    (text) => text.replace('.', '..'),
    (text) => text.split('.').toReversed().join('.'),
  )
  fc.assert(
    fc.property(token, damage, (token, damage) => {
      assert.throws(
        () => parseJoinToken(damage(formatJoinToken(token))),
        (error) => error instanceof TypeError && !error.stack!.includes(token.secret),
      )
    }),
  )
})

test('the proof is bound to the secret and to each thing it is about', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
  const input = fc.record({
    caPin: fc.string(),
    certificateRequest: bytes,
    boundKey: bytes,
    clusterUid: fc.uuid(),
    nonce: bytes,
  })
  const members = ['caPin', 'certificateRequest', 'boundKey', 'clusterUid', 'nonce'] as const
  fc.assert(
    fc.property(input, input, fc.constantFrom(...members), (a, b, member) => {
      const key = secretKey('secret')
      const proof = enrolProof(key, a)
      assert.deepEqual(enrolProof(key, { ...a }), proof)
      assert.notDeepEqual(enrolProof(secretKey('secreT'), a), proof)
      fc.pre(Buffer.compare(Buffer.from(a[member]), Buffer.from(b[member])) !== 0)
      const other = { ...a, [member]: b[member] } as EnrolProofInput
      assert.notDeepEqual(enrolProof(key, other), proof)
    }),
  )
})
