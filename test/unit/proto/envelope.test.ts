import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  EnvelopeError,
  envelopeLimits,
  parseEnvelope,
  parseHeader,
} from '@groundswell/proto/envelope.ts'
import { typOf } from '@groundswell/proto/statement.ts'

const header = { alg: 'EdDSA', typ: typOf('snapshot'), kid: 'k'.repeat(42) + 'A' }
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const signature = { protected: encode(header), signature: 'c2ln' }
const envelope = { payload: 'cGF5', signatures: [signature] }
const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

function refuses(value: unknown, code: EnvelopeError['code'], name = JSON.stringify(value)): void {
  const bytes = value instanceof Uint8Array ? value : bytesOf(value)
  assert.throws(
    () => parseEnvelope(bytes, 'snapshot'),
    (error) => error instanceof EnvelopeError && error.code === code,
    name,
  )
}

describe('parseEnvelope', () => {
  test('reads an envelope of the strict profile', () => {
    assert.deepEqual(parseEnvelope(bytesOf(envelope), 'snapshot'), envelope)
    assert.deepEqual(parseHeader(signature.protected, 'snapshot'), header)
  })

  test('bounds the size before it parses anything', () => {
    refuses(Buffer.alloc(envelopeLimits.bytes.snapshot + 1, 0x20), 'too_large', 'large')
    refuses(Buffer.alloc(envelopeLimits.bytes.snapshot, 0x20), 'malformed', 'spaces')
  })

  test('T8 each statement has a bound of its own', () => {
    for (const type of ['root', 'snapshot', 'freshness', 'approval'] as const) {
      const limit = envelopeLimits.bytes[type]
      const codeOf = (size: number): unknown => {
        try {
          return parseEnvelope(Buffer.alloc(size, 0x20), type)
        } catch (error) {
          return (error as EnvelopeError).code
        }
      }
      assert.deepEqual([codeOf(limit), codeOf(limit + 1)], ['malformed', 'too_large'])
    }
    assert.deepEqual(envelopeLimits.bytes, {
      root: 32_768,
      snapshot: 1_048_576,
      freshness: 16_384,
      approval: 16_384,
    })
  })

  test('B49 refuses a member that is there twice: envelope, signature and header', () => {
    const text = JSON.stringify(envelope)
    refuses(Buffer.from(text.replace('{', '{"payload":"cGF5",')), 'malformed')
    refuses(Buffer.from(text.replace('[{', '[{"signature":"c2ln",')), 'malformed')
    const twice = JSON.stringify(header).replace('{', '{"alg":"none",')
    const signatures = [{ ...signature, protected: Buffer.from(twice).toString('base64url') }]
    refuses({ ...envelope, signatures }, 'malformed')
  })

  test('refuses more or fewer members than the profile has', () => {
    refuses({ ...envelope, extra: 1 }, 'malformed')
    refuses({ payload: envelope.payload }, 'malformed')
    refuses({ ...envelope, signatures: [] }, 'malformed')
    refuses({ ...envelope, signatures: {} }, 'malformed')
    refuses({ ...envelope, signatures: [{ ...signature, header: { alg: 'none' } }] }, 'malformed')
    refuses({ ...envelope, signatures: [{ signature: 'c2ln' }] }, 'malformed')
    refuses({ ...envelope, signatures: Array.from({ length: 17 }, () => signature) }, 'malformed')
    refuses([envelope], 'malformed')
    refuses(null, 'malformed')
  })

  test('refuses base64url with padding, other alphabets or bits beyond the last byte', () => {
    for (const payload of ['', 'cGF5=', 'cG+5', 'cG/5', 'cG F', 'cGG', 7, null]) {
      refuses({ ...envelope, payload }, 'malformed')
      refuses({ ...envelope, signatures: [{ ...signature, signature: payload }] }, 'malformed')
    }
  })

  test('refuses any header but exactly alg, typ and kid of this statement type', () => {
    for (const changed of [
      { ...header, alg: 'none' },
      { ...header, alg: 'HS256' },
      { ...header, typ: typOf('root') },
      { ...header, typ: undefined },
      { ...header, kid: 'short' },
      { ...header, kid: undefined },
      { ...header, crit: ['b64'], b64: false },
      { ...header, jwk: {} },
      [header],
    ]) {
      const signatures = [signature, { ...signature, protected: encode(changed) }]
      refuses({ ...envelope, signatures }, 'header')
    }
  })

  test('answers any bytes with an envelope or an EnvelopeError, never another error', () => {
    const noise = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({ payload: fc.jsonValue(), signatures: fc.array(fc.jsonValue()) })
        .map((value) => bytesOf(value)),
      fc
        .jsonValue()
        .map((value) =>
          bytesOf({ ...envelope, signatures: [{ ...signature, protected: encode(value) }] }),
        ),
    )
    fc.assert(
      fc.property(noise, (bytes) => {
        assert.throws(() => parseEnvelope(bytes, 'snapshot'), EnvelopeError)
      }),
    )
  })
})
