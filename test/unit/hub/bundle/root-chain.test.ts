import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import { extendRootChain, openRoot } from '../../../../hub/bundle/root-chain.ts'
import { signStatement } from '../../../../hub/bundle/sign.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const [key, other] = [await makeSigningKey(), await makeSigningKey()]
const root = rootOf('f', key)
const signed = async (change: object) =>
  (await signStatement('root', { ...root, ...change }, [key])).envelope

/** The same statement, its payload another text. */
async function respelt(change: (payload: string) => string): Promise<Uint8Array> {
  const envelope = JSON.parse(Buffer.from(await signed({})).toString()) as { payload: string }
  const text = change(Buffer.from(envelope.payload, 'base64url').toString())
  return Buffer.from(
    canonicalJson({ ...envelope, payload: Buffer.from(text).toString('base64url') }),
  )
}

const refusal = { code: 'root_refused' }

test('reads a root statement as agents will: a member twice, a policy unsorted, a foreign member', async () => {
  assert.deepEqual(openRoot(await signed({})).root, root)
  const twice = await respelt((text) => text.replace('"v":1', '"v":1,"v":1'))
  assert.throws(() => openRoot(twice), refusal)
  const policy = { group: 'prod', clusters: ['b', 'a'], approvers: 1 }
  const unsorted = await signed({ policies: [policy] })
  assert.throws(() => openRoot(unsorted), /policies: clusters are sorted names/)
  const extra = await signed({ extra: 1 })
  assert.throws(() => openRoot(extra), refusal)
})

test('T14: refuses a root statement whose role has fewer keys than its threshold', async () => {
  const few = { keys: [key.publicKey], threshold: 2 }
  const envelope = await signed({ roles: { ...root.roles, snapshot: few } })
  assert.throws(() => openRoot(envelope), /snapshot: fewer keys than its threshold/)
})

test('T14: one key that signs twice is one of the two that are needed', async () => {
  const two = { keys: [key.publicKey, other.publicKey], threshold: 2 }
  const statement: Root = { ...root, roles: { ...root.roles, root: two } }
  const twice = await signStatement('root', statement, [key, key])
  assert.throws(() => openRoot(twice.envelope), /1 of the 2 signatures needed/)
  const both = await signStatement('root', statement, [key, other])
  assert.equal(openRoot(both.envelope).root.version, root.version)
})

test('a signature by a root key that does not fit is a fault, not one less', async () => {
  const text = Buffer.from(await signed({})).toString()
  const envelope = JSON.parse(text) as { signatures: { signature: string }[] }
  envelope.signatures[0]!.signature = Buffer.alloc(64, 1).toString('base64url')
  const forged = Buffer.from(canonicalJson(envelope as never))
  assert.throws(() => openRoot(forged), /the signature by key .* is wrong/)
})

test('takes in the next version only, and the newest once more', async () => {
  const chain = [openRoot(await signed({}))]
  assert.equal(extendRootChain(chain, chain[0]!.envelope), chain)
  const [second, third] = [await signed({ version: 2 }), await signed({ version: 3 })]
  assert.equal(extendRootChain(chain, second).length, 2)
  assert.throws(() => extendRootChain(chain, third), refusal)
})
