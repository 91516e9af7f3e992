import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Freshness, Root } from '@groundswell/proto/statement.ts'
import { verifyFreshness } from '../../../../agent/trust/freshness.ts'
import type { Accepted } from '../../../../agent/trust/verify.ts'
import { type SigningKey, signStatement } from '../../../../hub/bundle/sign.ts'
import { agentIdentity } from '../../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const nonce = Buffer.alloc(32, 7).toString('base64url')
const accepted: Accepted = { epoch: 1, sequence: 5, snapshotDigest: digestOf('five') }
const statement: Freshness = {
  v: 1,
  fleet: 'f',
  aud: 'id-a',
  nonce,
  issuedAt: 1_800_000_000,
  expiresAt: 1_800_000_600,
  epoch: 1,
  sequence: 5,
  snapshot: digestOf('five'),
  rootVersion: 1,
  auditHead: { index: 3, digest: digestOf('line') },
}

describe('verifyFreshness', () => {
  let key: SigningKey
  let root: Root
  before(async () => {
    key = await makeSigningKey()
    root = { ...rootOf('f', await makeSigningKey()) }
    const role = { keys: [key.publicKey], threshold: 1 }
    root = { ...root, roles: { ...root.roles, freshness: role } }
  })

  const verify = async (
    change: object = {},
    by = key,
    type: 'freshness' | 'snapshot' = 'freshness',
  ) => {
    const { envelope } = await signStatement(type, { ...statement, ...change }, [by])
    return verifyFreshness(envelope, root, agentIdentity, nonce, accepted)
  }

  it('believes an answer to our own question, by the freshness key', async () => {
    assert.deepEqual(await verify(), statement)
    assert.equal((await verify({ sequence: 9, snapshot: digestOf('nine') })).sequence, 9)
    assert.equal((await verify({ auditHead: null })).auditHead, null)
  })

  const refused: readonly [string, string, object][] = [
    [
      'T5 an answer to another question',
      'wrong_nonce',
      { nonce: Buffer.alloc(32).toString('base64url') },
    ],
    ['T11 an answer for another cluster', 'wrong_audience', { aud: 'id-b' }],
    ['T11 an answer for another fleet', 'wrong_fleet', { fleet: 'g' }],
    ['T5 an answer that lives for days', 'freshness_invalid', { expiresAt: 1_800_090_000 }],
    ['an answer that dies before it lives', 'freshness_invalid', { expiresAt: 1_800_000_000 }],
    ['T2 a sequence below ours', 'freshness_behind', { sequence: 4, snapshot: digestOf('4') }],
    ['T2 nothing at all, after something', 'freshness_behind', { sequence: 0, snapshot: null }],
    ['T3 another snapshot of our sequence', 'equivocation', { snapshot: digestOf('other') }],
    ['B53 a sequence as text', 'freshness_invalid', { sequence: '5' }],
    ['no snapshot for a sequence', 'freshness_invalid', { snapshot: null }],
    ['a nonce of another length', 'freshness_invalid', { nonce: 'AA' }],
    ['an unknown member', 'freshness_invalid', { extra: 1 }],
    ['an audit head in pieces', 'freshness_invalid', { auditHead: { index: 1 } }],
  ]
  for (const [what, code, change] of refused) {
    it(`refuses ${what}`, () => assert.rejects(verify(change), { code }))
  }

  it('T12 refuses the key of another role and the type of another statement', async () => {
    await assert.rejects(verify({}, await makeSigningKey()), { code: 'threshold_not_met' })
    await assert.rejects(verify({}, key, 'snapshot'), { code: 'envelope_header' })
  })
})
