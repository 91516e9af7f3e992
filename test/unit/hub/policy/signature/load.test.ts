import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../../hub/errors.ts'
import { readSignaturePlace, readSignatureRules } from '../../../../../hub/policy/signature/load.ts'
import { createSigner } from '../../../../support/cosign.ts'
import { sourceOf } from '../../../../support/policy-source.ts'

const { publicKey, privateKey } = createSigner()
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()

test('keys, a trusted root and a layout are read from the repository, and decide the digest', async () => {
  const files = {
    'keys/cosign.pub': pem,
    'keys/trusted_root.json': '{"tlogs":[]}',
    'signatures/index.json': '{"manifests":[]}',
    'signatures/blobs/sha256/aa': 'x',
  }
  const written = {
    keys: ['keys/cosign.pub'],
    identities: [{ issuer: 'https://i.example', subject: 'me' }],
    trustedRoot: 'keys/trusted_root.json',
    layout: 'signatures',
  }
  const rule = (await readSignatureRules([written], sourceOf(files)))[0]!
  assert.ok(rule.keys[0]?.equals(publicKey))
  assert.deepEqual(rule.trustedRoot, { tlogs: [] })
  assert.equal(Buffer.from(await rule.layout!.readIndex()).toString(), '{"manifests":[]}')
  assert.equal(Buffer.from((await rule.layout!.readBlob('sha256:aa', 9))!).toString(), 'x')
  assert.equal(await rule.layout!.readBlob('sha256:bb', 9), undefined)
  const [again] = await readSignatureRules([written], sourceOf(files))
  assert.equal(again?.digest, rule.digest)
  for (const file of Object.keys(files)) {
    const other = file.endsWith('.pub')
      ? createSigner().publicKey.export({ type: 'spki', format: 'pem' }).toString()
      : '{"tlogs":[ ]}'
    const [changed] = await readSignatureRules([written], sourceOf({ ...files, [file]: other }))
    assert.notEqual(changed?.digest, rule.digest, file)
  }
})

test('what is not there, or is not what it should be, is refused with its path', async () => {
  const files = {
    'keys/text.pub': 'a text',
    'keys/private.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'keys/root.json': 'no JSON',
    'empty/a': '',
  }
  for (const [written, words] of [
    [{ keys: ['keys/none.pub'] }, /keys\/none\.pub: there is no such file/],
    [{ keys: ['keys/text.pub'] }, /keys\/text\.pub: it is no public key in PEM/],
    [{ keys: ['keys/private.pem'] }, /it is a private key; give the public one/],
    [{ trustedRoot: 'keys/root.json' }, /it is no trusted root of Sigstore/],
    [{ layout: 'empty' }, /there is no index\.json, so it is no OCI layout/],
  ] as const) {
    await assert.rejects(readSignatureRules([written as never], sourceOf(files)), (error) => {
      assert.ok(error instanceof HubError && error.code === 'fleet_invalid', String(error))
      assert.match(error.message, words)
      assert.ok(!error.message.includes('BEGIN'))
      return true
    })
  }
})

test('conditions are made ready, and where rules of Kyverno look is read like any other place', async () => {
  const files = { 'a/index.json': '{"manifests":[]}', 'root.json': '{"tlogs":[]}' }
  const attestation = { predicateType: 'https://x', conditions: ['predicate.level > 2'] }
  const [rule] = await readSignatureRules([{ attestation }], sourceOf(files))
  assert.equal(rule?.attestation?.predicateType, 'https://x')
  const [condition] = rule.attestation.conditions
  assert.equal(
    condition?.test({ predicate: { level: 3 } }, (run) => run()),
    true,
  )
  const place = await readSignaturePlace({ trustedRoot: 'root.json', layout: 'a' }, sourceOf(files))
  assert.deepEqual(place.trustedRoot, { tlogs: [] })
  assert.ok(place.layout)
  const other = await readSignaturePlace({ trustedRoot: 'root.json' }, sourceOf(files))
  assert.notEqual(other.digest, place.digest)
})

test('all that is wrong is told at once, of every rule', async () => {
  const files = { 'a.pub': 'no key', 'root.json': '[', 'empty/x': '' }
  const identities = [{ issuer: 'https://i.example', subject: 'me' }]
  const rules = [
    { keys: ['a.pub', 'gone.pub'], layout: 'empty' },
    { identities, trustedRoot: 'root.json' },
  ]
  await assert.rejects(readSignatureRules(rules, sourceOf(files)), (error) => {
    assert.ok(error instanceof HubError && error.code === 'fleet_invalid')
    assert.deepEqual(
      error.faults.map(({ file }) => file),
      ['a.pub', 'gone.pub', 'empty', 'root.json'],
    )
    return true
  })
})
