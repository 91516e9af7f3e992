import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FlattenedSign, calculateJwkThumbprint, flattenedVerify, importJWK } from 'jose'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { typOf } from '@groundswell/proto/statement.ts'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import { signStatement } from '../../../../hub/bundle/sign.ts'
import { makeSigningKey } from '../../../support/signing-key.ts'

interface Envelope {
  readonly payload: string
  readonly signatures: readonly { readonly protected: string; readonly signature: string }[]
}

const read = (envelope: Uint8Array) => JSON.parse(Buffer.from(envelope).toString()) as Envelope

describe('signStatement', () => {
  it('makes the very bytes that jose makes, and jose verifies them', async () => {
    const key = await makeSigningKey()
    const kid = await calculateJwkThumbprint({ ...key.publicKey }, 'sha256')
    const publicKey = await importJWK({ ...key.publicKey }, 'EdDSA')
    const statements = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean()))
    await fc.assert(
      fc.asyncProperty(statements, async (statement) => {
        const { envelope } = await signStatement('snapshot', statement, [key])
        const { payload, signatures } = read(envelope)
        const theirs = await new FlattenedSign(Buffer.from(canonicalJson(statement)))
          .setProtectedHeader({ alg: 'EdDSA', typ: typOf('snapshot'), kid })
          .sign(key.privateKey)
        assert.deepEqual(signatures, [{ protected: theirs.protected, signature: theirs.signature }])
        assert.equal(payload, theirs.payload)
        await flattenedVerify({ payload, ...signatures[0]! }, publicKey)
      }),
      { numRuns: 30 },
    )
  })

  it('signs with each key under its own name, over the same bytes', async () => {
    const keys = [await makeSigningKey(), await makeSigningKey()]
    const { envelope } = await signStatement('root', { v: 1 }, keys)
    const { payload, signatures } = read(envelope)
    assert.equal(signatures.length, 2)
    for (const [index, key] of keys.entries()) {
      const publicKey = await importJWK({ ...key.publicKey }, 'EdDSA')
      const { protectedHeader } = await flattenedVerify(
        { payload, ...signatures[index]! },
        publicKey,
      )
      assert.equal(protectedHeader?.kid, thumbprintOf(key.publicKey))
    }
  })

  it('signs with a key that cannot be taken out', async () => {
    const key = await makeSigningKey({ extractable: false })
    const { envelope } = await signStatement('freshness', { v: 1 }, [key])
    const { payload, signatures } = read(envelope)
    await flattenedVerify(
      { payload, ...signatures[0]! },
      await importJWK({ ...key.publicKey }, 'EdDSA'),
    )
  })
})

describe('thumbprintOf', () => {
  it('is the name of RFC 8037, appendix A.3', () => {
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
    const name = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    assert.equal(thumbprintOf({ kty: 'OKP', crv: 'Ed25519', x }), name)
  })
})
