import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import { listRootWarnings } from '../../../../hub/bundle/root-warning.ts'
import { signStatement } from '../../../../hub/bundle/sign.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const key = await makeSigningKey()
const day = 24 * 3600 * 1000
const expiresAt = Date.parse('2027-03-01T00:00:00Z') / 1000

async function codesOf(now: number, change: Partial<Root> = {}, published = 0): Promise<string[]> {
  const root = { ...rootOf('f', key), expiresAt, ...change }
  const { envelope } = await signStatement('root', root, [key])
  const signed = { root, envelope, digest: digestOf(envelope) }
  return listRootWarnings(signed, now, published).map(({ code }) => code)
}

test('T17: warns 30 days before a root statement expires, again at 7, and when it has', async () => {
  const end = expiresAt * 1000
  assert.deepEqual(await codesOf(end - 30 * day - 1), [])
  assert.deepEqual(await codesOf(end - 30 * day), ['root_expires_within_30_days'])
  assert.deepEqual(await codesOf(end - 7 * day - 1), ['root_expires_within_30_days'])
  assert.deepEqual(await codesOf(end - 7 * day), ['root_expires_within_7_days'])
  assert.deepEqual(await codesOf(end - 1), ['root_expires_within_7_days'])
  assert.deepEqual(await codesOf(end), ['root_expired'])
})

test('warns of a root statement whose policies fill it; * takes no room', async () => {
  const named = (count: number) => ({
    policies: [
      {
        group: 'prod',
        clusters: Array.from({ length: count }, (_, at) => `cluster-${10_000 + at}`),
        approvers: 1,
      },
    ],
  })
  assert.deepEqual(await codesOf(0, named(900)), [])
  assert.deepEqual(await codesOf(0, named(1_200)), ['root_large'])
  assert.deepEqual(
    await codesOf(0, { policies: [{ group: 'all', clusters: ['*'], approvers: 1 }] }),
    [],
  )
})

test('T15: warns of a statement that was published and that the signer has not', async () => {
  assert.deepEqual(await codesOf(0, {}, 1), [])
  assert.deepEqual(await codesOf(0, {}, 2), ['root_behind'])
})
