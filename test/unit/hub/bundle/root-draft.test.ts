import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Root } from '@groundswell/proto/statement.ts'
import { addSignatures } from '../../../../hub/bundle/root-draft.ts'
import { openRoot } from '../../../../hub/bundle/root-chain.ts'
import { signStatement } from '../../../../hub/bundle/sign.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const [one, two] = [await makeSigningKey(), await makeSigningKey()]
const pair = { keys: [one.publicKey, two.publicKey], threshold: 2 }
const root: Root = { ...rootOf('f', one), roles: { ...rootOf('f', one).roles, root: pair } }
const draft = async (change: object = {}) =>
  (await signStatement('root', { ...root, ...change }, [one])).envelope

test('a draft is signed by one person after the other, each once', async () => {
  const half = await addSignatures(await draft(), [one])
  assert.throws(() => openRoot(half), /1 of the 2 signatures needed/)
  assert.equal(openRoot(await addSignatures(half, [two])).root.version, root.version)
})

test('nothing is signed that agents would not read: an unknown member, or one signature too large', async () => {
  await assert.rejects(addSignatures(await draft({ extra: 1 }), [two]), { code: 'root_refused' })
  const policiesOf = (count: number) => [
    {
      group: 'prod',
      clusters: Array.from({ length: count }, (_, at) => `c${10_000 + at}`),
      approvers: 1,
    },
  ]
  // As many names as fit with one signature, and with a second one no more.
  let count = 2_000
  while ((await draft({ policies: policiesOf(count + 10) })).byteLength <= 32 * 1024) count += 10
  const full = await draft({ policies: policiesOf(count) })
  assert.ok(full.byteLength <= 32 * 1024)
  await assert.rejects(addSignatures(full, [two]), /of 32768: its policies name \d+ clusters/)
})
