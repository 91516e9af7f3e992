import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { parseRoot, parseSnapshot } from '../../../../agent/trust/statement.ts'
import { rootOf, makeSigningKey } from '../../../support/signing-key.ts'

const bytes = (value: unknown) => Buffer.from(canonicalJson(value as never))
const key = await makeSigningKey()
const root = rootOf('f', key)
const policy = { group: 'prod', clusters: ['a', 'b'], approvers: 2 }
const snapshot = {
  ...{ v: 1, fleet: 'f', aud: 'id', clusterUid: 'uid', epoch: 1, sequence: 1, previous: null },
  ...{ issuedAt: 1, expiresAt: 2, applications: [] },
}

describe('parseRoot', () => {
  it('reads policies: names that are sorted, or all', () => {
    for (const policies of [[policy], [{ ...policy, clusters: ['*'] }], []]) {
      assert.deepEqual(parseRoot(bytes({ ...root, policies })).policies, policies)
    }
  })

  const role = root.roles.root
  const { x } = key.publicKey
  /** The same 32 bytes, spelt with bits beyond them. */
  const otherSpelling = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    .split('')
    .map((last) => x.slice(0, -1) + last)
    .find(
      (text) => text !== x && Buffer.from(text, 'base64url').equals(Buffer.from(x, 'base64url')),
    )
  const withRole = (change: object) => ({
    roles: { ...root.roles, snapshot: { ...role, ...change } },
  })

  const refused: readonly [string, object][] = [
    ['policies that are no list', { policies: {} }],
    ['a policy for nobody', { policies: [{ ...policy, clusters: [] }] }],
    ['clusters that are not sorted', { policies: [{ ...policy, clusters: ['b', 'a'] }] }],
    ['a cluster named twice', { policies: [{ ...policy, clusters: ['a', 'a'] }] }],
    ['* among names', { policies: [{ ...policy, clusters: ['*', 'a'] }] }],
    ['a cluster that is no name', { policies: [{ ...policy, clusters: ['../a'] }] }],
    ['a policy of no approvers', { policies: [{ ...policy, approvers: 0 }] }],
    ['approvers as text', { policies: [{ ...policy, approvers: '1' }] }],
    ['an unknown member of a policy', { policies: [{ ...policy, extra: 1 }] }],
    ['T14 threshold zero', withRole({ threshold: 0 })],
    ['T14 no threshold', withRole({ threshold: undefined })],
    ['T14 a threshold as text', withRole({ threshold: '1' })],
    ['T14 one key listed twice', withRole({ keys: [key.publicKey, key.publicKey] })],
    ['T14 one key in two spellings', withRole({ keys: [{ ...key.publicKey, x: otherSpelling }] })],
    ['a key with a private half', withRole({ keys: [{ ...key.publicKey, d: x }] })],
    ['a key of another curve', withRole({ keys: [{ ...key.publicKey, crv: 'X25519' }] })],
    ['an unknown role', { roles: { ...root.roles, other: role } }],
    ['a version of zero', { version: 0 }],
    ['an expiry after the year 9999', { expiresAt: 253_402_300_800 }],
  ]
  for (const [what, change] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseRoot(bytes({ ...root, ...change })), { code: 'root_malformed' })
    })
  }
})

describe('parseSnapshot', () => {
  const text = bytes(snapshot).toString()
  const refused: readonly [string, string][] = [
    ['B49 a member twice', text.replace('{', '{"sequence":9,')],
    ['B49 a member twice, deep down', text.replace('[]', '[{"a":{"b":1,"b":2}}]')],
    ['B53 a sequence of 2^53', text.replace('"sequence":1', '"sequence":9007199254740992')],
    ['B53 a sequence with a fraction', text.replace('"sequence":1', '"sequence":1.0')],
    ['B53 a sequence below zero', text.replace('"sequence":1', '"sequence":-1')],
    ['nesting without end', text.replace('[]', `${'['.repeat(65)}${']'.repeat(65)}`)],
    ['a byte order mark', `\ufeff${text}`],
  ]
  for (const [what, changed] of refused) {
    it(`refuses ${what}`, () => {
      assert.equal(parseSnapshot(Buffer.from(text)).sequence, 1)
      assert.throws(() => parseSnapshot(Buffer.from(changed)), { code: 'statement_malformed' })
    })
  }
})
