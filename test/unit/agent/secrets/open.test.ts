import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { generateX25519Identity } from 'age-encryption'
import fc from 'fast-check'
import type { Body } from '../../../../agent/apply/write/body.ts'
import { parseAgeIdentities } from '../../../../agent/secrets/age.ts'
import { createOpenObject } from '../../../../agent/secrets/open.ts'
import { type KeyStore, noKeys } from '../../../../agent/secrets/keys.ts'
import { sealSecret } from '../../../support/sops-file.ts'

interface Holder {
  readonly recipient: string
  readonly store: KeyStore
}

async function createHolder(): Promise<Holder> {
  const [identity] = await parseAgeIdentities(await generateX25519Identity(), 'test')
  return {
    recipient: identity!.recipient,
    store: { name: 'Secret ns/keys', load: () => Promise.resolve([identity!]) },
  }
}

const secret = {
  metadata: { name: 'db', namespace: 'shop' },
  data: { password: 'aHVudGVyMg==', user: 'YWRtaW4=' },
  stringData: { url: 'postgres://db', empty: '' },
}

describe('createOpenObject', () => {
  let us: Holder
  let them: Holder
  before(async () => {
    us = await createHolder()
    them = await createHolder()
  })

  const refuses = (body: Body, code: string, words: RegExp, keys = us.store) =>
    assert.rejects(createOpenObject(keys)(body), (error: Error & { code?: string }) => {
      assert.equal(error.code, code, error.message)
      assert.match(error.message, words)
      assert.ok(!error.message.includes('hunter2'), 'quotes a value')
      return true
    })

  it('gives back what was encrypted, without the sops member', async () => {
    for (const macOnlyEncrypted of [false, true]) {
      const body = await sealSecret(secret, { recipients: [us.recipient], macOnlyEncrypted })
      const opened = await createOpenObject(us.store)(body)
      assert.deepEqual(opened, { apiVersion: 'v1', kind: 'Secret', ...secret })
    }
  })

  it('leaves an object that is not encrypted as it is', async () => {
    const body = { apiVersion: 'v1', kind: 'Secret', ...secret }
    assert.equal(await createOpenObject(noKeys)(body), body)
  })

  it('opens with any key of several recipients', async () => {
    const body = await sealSecret(secret, { recipients: [them.recipient, us.recipient] })
    assert.deepEqual((await createOpenObject(us.store)(body))['data'], secret.data)
  })

  it('takes what the renderer changed outside the secret fields', async () => {
    const body = await sealSecret(secret, { recipients: [us.recipient] })
    const moved = { ...body, metadata: { name: 'db-8f2', namespace: 'prod', labels: { a: 'b' } } }
    const opened = await createOpenObject(us.store)(moved)
    assert.deepEqual(opened.metadata, moved.metadata)
    assert.deepEqual(opened['data'], secret.data)
  })

  it('names whom it is for when no key fits', async () => {
    const body = await sealSecret(secret, { recipients: [us.recipient] })
    await refuses(
      body,
      'secret_undecryptable',
      new RegExp(`encrypted for ${us.recipient}; Secret ns/keys has ${them.recipient}`),
      them.store,
    )
    await refuses(body, 'secret_undecryptable', /--sops-keys/, noKeys)
  })

  it('refuses a value moved to another key, and one left out or put in, by the MAC', async () => {
    const body = await sealSecret(secret, { recipients: [us.recipient] })
    const data = body['data'] as Record<string, string>
    const swapped = { ...body, data: { password: data['user'], user: data['password'] } }
    await refuses(swapped, 'secret_tampered', /does not stand there/)

    const witness = JSON.parse(String(body.sops['witness'])) as { leaves: { text: string }[] }
    const change = (leaves: readonly object[]) => ({
      ...body,
      sops: { ...body.sops, witness: JSON.stringify({ ...witness, leaves }) },
    })
    await refuses(change(witness.leaves.slice(1)), 'secret_tampered', /MAC/)
    const added = [...witness.leaves, { document: 0, path: ['data', 'x'], text: 'eA==' }]
    await refuses(change(added), 'secret_tampered', /MAC/)
  })

  it('with mac_only_encrypted refuses a plain value beside the encrypted ones', async () => {
    const sealed = { recipients: [us.recipient], macOnlyEncrypted: true }
    const body = await sealSecret(secret, sealed)
    const added = { ...body, data: { ...(body['data'] as object), extra: 'eA==' } }
    await refuses(added, 'secret_tampered', /data\.extra is not encrypted/)
  })

  it('refuses what would be readable by all, or stays encrypted', async () => {
    const body = await sealSecret(secret, { recipients: [us.recipient] })
    const value = (body['data'] as Record<string, string>)['user']
    await refuses(
      { ...body, kind: 'ConfigMap' },
      'secret_malformed',
      /ConfigMap cannot be encrypted/,
    )
    const labelled = { ...body, metadata: { ...body.metadata, annotations: { a: value } } }
    await refuses(labelled, 'secret_malformed', /metadata\.annotations\.a is encrypted/)
  })

  it('names what it does not support', async () => {
    const body = await sealSecret(secret, { recipients: [us.recipient] })
    const with_ = (changes: object) => ({ ...body, sops: { ...body.sops, ...changes } })
    const kms = { age: undefined, kms: [{ arn: 'arn:aws:kms:…', enc: 'x' }] }
    await refuses(with_(kms), 'secret_malformed', /for kms only, which is not supported/)
    for (const kind of ['gcp_kms', 'azure_kv', 'hc_vault']) {
      const only = with_({ age: undefined, [kind]: [{ enc: 'x' }] })
      await refuses(
        only,
        'secret_malformed',
        new RegExp(`for ${kind} only, which is not supported`),
      )
    }
    await refuses(with_({ key_groups: [] }), 'secret_malformed', /key groups/)
    await refuses(with_({ witness: undefined }), 'secret_malformed', /a whole YAML manifest/)
    await refuses(with_({ witness: '{' }), 'secret_malformed', /damaged/)
    await refuses(with_({ mac: 'plain' }), 'secret_tampered', /sops\.mac is not a value/)
    await refuses(with_({ mac: undefined }), 'secret_malformed', /`sops\.mac` is missing/)
  })

  it('refuses any single change of what was encrypted (property)', async () => {
    const body = await sealSecret(secret, { recipients: [us.recipient] })
    const witness = JSON.parse(String(body.sops['witness'])) as {
      document: number
      leaves: { document: number; path: string[]; text: string }[]
    }
    await fc.assert(
      fc.asyncProperty(
        fc.nat(witness.leaves.length - 1),
        fc.nat(200),
        fc.constantFrom('text', 'path', 'drop'),
        async (at, position, what) => {
          const leaves = witness.leaves.map((leaf) => ({ ...leaf }))
          const leaf = leaves[at]!
          if (what === 'drop') leaves.splice(at, 1)
          else if (what === 'path') leaf.path = [...leaf.path, 'x']
          else {
            const index = leaf.text === '' ? 0 : position % leaf.text.length
            const flipped = leaf.text[index] === 'A' ? 'B' : 'A'
            leaf.text = leaf.text.slice(0, index) + flipped + leaf.text.slice(index + 1)
          }
          // An empty value and the path of a plain one are not in a MAC of SOPS.
          const plain = !witness.leaves[at]!.text.startsWith('ENC[')
          fc.pre(!(plain && what === 'path') && !(what === 'drop' && leaf.text === ''))
          const changed = {
            ...body,
            sops: { ...body.sops, witness: JSON.stringify({ ...witness, leaves }) },
          }
          await refuses(changed, 'secret_tampered', /SOPS/)
        },
      ),
      { numRuns: 200 },
    )
  })
})
