import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findLiteralSecrets, listLeaves } from '../../../../hub/policy/secrets.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

function secret(fields: object, kind = 'Secret', group = '') {
  const id = { group, kind, namespace: 'shop', name: 'db' }
  return { id, apiVersion: 'v1', file: 'db.yaml', json: JSON.stringify({ kind, ...fields }) }
}

describe('findLiteralSecrets', () => {
  test('tells which fields are in plain text and never what they hold', () => {
    const found = findLiteralSecrets([
      secret({ data: { password: base64('hunter2') }, stringData: { user: 'bob', empty: '' } }),
    ])
    assert.equal(found.length, 1)
    assert.match(found[0]!.message, /^data.password, stringData.user in plain text; encrypt it/)
    assert.ok(!JSON.stringify(found).includes('hunter2'))
    assert.equal(found[0]!.action, undefined)
  })

  test('what is encrypted or only a reference is none', () => {
    for (const fields of [
      {},
      { data: {}, stringData: null },
      { sops: { mac: 'ENC[...]' }, data: { a: 'ENC[AES256_GCM,data:x]' } },
      { stringData: { a: 'vault:secret/data/db#password', b: 'ENC[AES256_GCM,data:x]' } },
      { data: { a: base64('vault:secret/data/db#password') } },
    ]) {
      assert.deepEqual(findLiteralSecrets([secret(fields)]), [], JSON.stringify(fields))
    }
    const sealed = { spec: { encryptedData: { a: 'AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq' } } }
    const external = {
      spec: {
        secretStoreRef: { name: 'vault' },
        data: [{ secretKey: 'a', remoteRef: { key: 'db' } }],
      },
    }
    assert.deepEqual(
      findLiteralSecrets([
        secret(sealed, 'SealedSecret', 'bitnami.com'),
        secret(external, 'ExternalSecret', 'external-secrets.io'),
      ]),
      [],
    )
  })

  test('what only begins like a reference is plain text', () => {
    for (const text of ['vault:hunter2', 'vault:', 'vault:#hunter2', 'vault: a#b', 'vault:a#']) {
      const found = findLiteralSecrets([secret({ stringData: { a: text } })])
      assert.match(found[0]?.message ?? '', /^stringData\.a in plain text/, text)
    }
  })

  test('an annotation with a reason makes it a note', () => {
    const annotate = (reason: unknown) => ({
      metadata: { annotations: { 'groundswell.dev/plaintext-secret': reason } },
      stringData: { a: 'public' },
    })
    const [noted] = findLiteralSecrets([secret(annotate('a public token'))])
    assert.equal(noted?.action, 'audit')
    assert.match(noted.message, /annotated: a public token/)
    for (const none of ['', ' ', true]) {
      assert.equal(findLiteralSecrets([secret(annotate(none))])[0]!.action, undefined)
    }
  })
})

test('listLeaves gives every text with its path, a Secret’s data decoded', () => {
  const leaves = listLeaves([secret({ data: { a: base64('one') }, list: [{ b: 'two' }] })])
  assert.deepEqual(
    leaves.map(({ path, text }) => `${path} ${text}`),
    ['kind Secret', 'data.a one', 'list[0].b two'],
  )
})
