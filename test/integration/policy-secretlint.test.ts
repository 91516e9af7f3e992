import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findSecrets } from '../../hub/policy/secretlint.ts'

const object = (value: object, kind = 'ConfigMap') => ({
  id: { group: '', kind, namespace: 'shop', name: 'settings' },
  ...{ apiVersion: 'v1', file: 'a.yaml', json: JSON.stringify({ kind, ...value }) },
})
// Made here, so that nobody's scanner takes this file for a leak.
const token = ['ghp', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'].join('_')

test('a token in any text is found, told by its kind and place, and never by its letters', async () => {
  const found = await findSecrets([
    object({ data: { 'app.properties': 'colour=blue\n' } }),
    object({
      data: { 'app.properties': `colour=blue\ntoken=${token}\n`, other: 'x'.repeat(300_000) },
    }),
    object({ spec: { containers: [{ env: [{ name: 'T', value: token }] }] } }, 'Pod'),
  ])
  assert.deepEqual(
    found.map(({ object, message }) => `${object?.kind}: ${message}`),
    [
      'ConfigMap: data.app.properties looks like a secret (GITHUB_TOKEN)',
      'Pod: spec.containers[0].env[0].value looks like a secret (GITHUB_TOKEN)',
    ],
  )
  assert.ok(!JSON.stringify(found).includes(token))
})

test('what a controller makes Secrets of is none: a SealedSecret and an ExternalSecret', async () => {
  const encryptedData = { token: Buffer.from(`AgB${token}`.repeat(20)).toString('base64') }
  const remoteRef = { key: 'secret/data/shop/db', property: 'password', version: '3' }
  const data = [{ secretKey: 'password', remoteRef }]
  const found = await findSecrets([
    object({ spec: { encryptedData } }, 'SealedSecret'),
    object({ spec: { secretStoreRef: { name: 'vault' }, data } }, 'ExternalSecret'),
    object({ stringData: { password: 'vault:secret/data/shop/db#password' } }, 'Secret'),
  ])
  assert.deepEqual(found, [])
})

test('ordinary objects are none, however many', async () => {
  const many = Array.from({ length: 500 }, (_, at) =>
    object({
      data: { key: `value ${at}`, checksum: 'a'.repeat(64), url: 'https://example.com/x' },
    }),
  )
  assert.deepEqual(await findSecrets(many), [])
})
