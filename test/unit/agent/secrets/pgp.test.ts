import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { createMessage, encrypt, generateKey, readKey } from 'openpgp'
import { isPgpKey, openPgp, parsePgpIdentities } from '../../../../agent/secrets/pgp.ts'

const userIDs = [{ name: 'test' }]

describe('OpenPGP keys', () => {
  let armored: string
  let sealed: string
  before(async () => {
    const { privateKey, publicKey } = await generateKey({ userIDs })
    armored = privateKey
    const message = await createMessage({ binary: new Uint8Array(32).fill(7) })
    const encryptionKeys = await readKey({ armoredKey: publicKey })
    sealed = await encrypt({ message, encryptionKeys })
  })

  it('open what was sent to them, and nothing else', async () => {
    const [identity] = await parsePgpIdentities(armored, 'here')
    assert.match(identity!.recipient, /^[0-9A-F]{40}$/)
    assert.ok(isPgpKey(identity!))
    assert.deepEqual(await openPgp(`\n${sealed}\n`, identity!), new Uint8Array(32).fill(7))
    const { privateKey } = await generateKey({ userIDs })
    const [stranger] = await parsePgpIdentities(privateKey, 'here')
    assert.equal(await openPgp(sealed, stranger!), undefined)
    assert.equal(await openPgp('not a message', identity!), undefined)
    const middle = Math.floor(sealed.length / 2)
    const flipped = sealed[middle] === 'A' ? 'B' : 'A'
    const changed = sealed.slice(0, middle) + flipped + sealed.slice(middle + 1)
    assert.equal(await openPgp(changed, identity!), undefined)
  })

  it('are refused with a passphrase, or when they are none, and never quoted', async () => {
    const { privateKey, publicKey } = await generateKey({ userIDs, passphrase: 'hunter2' })
    for (const [text, words] of [
      [privateKey, /here: OpenPGP key [0-9A-F]{40} is locked by a passphrase/],
      [publicKey, /here does not hold an OpenPGP private key/],
      ['hunter2', /here does not hold an OpenPGP private key/],
    ] as const) {
      await assert.rejects(parsePgpIdentities(text, 'here'), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'secret_undecryptable')
        assert.match(error.message, words)
        assert.ok(!error.message.includes('hunter2'))
        return true
      })
    }
  })
})
