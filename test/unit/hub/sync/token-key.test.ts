import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { createTokenKeys, readOpenKey } from '../../../../hub/sync/token-key.ts'

const key = randomBytes(32)
const ours = createTokenKeys(Buffer.from('of our hubs'), randomBytes)

describe('the key of a join token in the ledger (I10)', () => {
  test('is opened by the hubs of the fleet', () => {
    const closed = ours.close('abc', key)
    const replica = createTokenKeys(Buffer.from('of our hubs'), randomBytes)
    assert.deepEqual(replica.open({ tokenId: 'abc', key: closed }), key)
    assert.notEqual(ours.close('abc', key), closed)
  })

  test('is nothing to anybody else', () => {
    const closed = ours.close('abc', key)
    const others = createTokenKeys(Buffer.from('of other hubs'), randomBytes)
    assert.equal(others.open({ tokenId: 'abc', key: closed }), undefined)
    assert.equal(readOpenKey({ key: closed }), undefined)
    const bytes = Buffer.from(closed.slice(4), 'base64url')
    assert.ok(!bytes.includes(key))
  })

  test('is of its own token, and of no other', () => {
    const closed = ours.close('abc', key)
    assert.equal(ours.open({ tokenId: 'abd', key: closed }), undefined)
  })

  test('that was changed, cut off or made up opens nothing', () => {
    const closed = ours.close('abc', key)
    for (const bad of [
      ...['', 'gcm.', 'gcm.AAAA', 'x'.repeat(64), closed.slice(0, -4), `${closed}AAAA`],
      `gcm.A${closed.slice(5)}`,
      ...[closed.slice(4), closed.toUpperCase(), `gcm.${'A'.repeat(37)}`],
    ]) {
      if (bad !== closed) assert.equal(ours.open({ tokenId: 'abc', key: bad }), undefined, bad)
    }
  })

  test('of a ledger from before it was closed counts until its token runs out', () => {
    assert.deepEqual(ours.open({ tokenId: 'abc', key: key.toString('hex') }), key)
  })
})
