import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { createApiTokens, mostApiTokens } from '../../../../hub/access/api-tokens.ts'
import { createMemoryRegister } from '../../../support/memory-register.ts'

const admin = { actor: 'admin', role: 'admin' } as const
const ci = { name: 'ci', role: 'operator', groups: ['release'], ttl: 1_000 } as const

function setUp() {
  let now = 1_000_000
  let turn = 0
  const clock = () => now
  const register = createMemoryRegister(clock)
  // Bytes that differ from call to call.
  const random = (bytes: number) =>
    createHash('sha512').update(String(turn++)).digest().subarray(0, bytes)
  const tokens = createApiTokens({ register, clock, random })
  return { register, tokens, advance: (ms: number) => (now += ms) }
}

describe('API tokens', () => {
  it('are known by their secret until they run out', async () => {
    const { tokens, advance } = setUp()
    const { token, record } = await tokens.create(ci, admin)
    assert.deepEqual(tokens.find(token), {
      actor: 'token:ci',
      role: 'operator',
      groups: ['release'],
      expiresAt: record.expiresAt,
    })
    advance(999)
    assert(tokens.find(token))
    advance(1)
    assert.equal(tokens.find(token), undefined)
    assert.deepEqual(tokens.list(), [])
    await assert.rejects(tokens.revoke(record.id, admin), { code: 'not_found' })
  })

  it('know the person who made them, also by way of a token, and nobody where a shared secret did', async () => {
    const { tokens } = setUp()
    const ada = { actor: 'oidc:ada', role: 'admin', names: ['ada', 'ada@example.com'] } as const
    const first = await tokens.create({ ...ci, role: 'admin' }, ada)
    const mine = { madeBy: 'oidc:ada', names: ['oidc:ada', 'ada', 'ada@example.com'] }
    const found = tokens.find(first.token)!
    assert.deepEqual({ madeBy: found.madeBy, names: found.names }, mine)
    const second = await tokens.create({ ...ci, name: 'other' }, found)
    assert.equal(tokens.find(second.token)?.madeBy, 'oidc:ada')
    assert(tokens.find(second.token)?.names?.includes('ada@example.com'))
    const third = await tokens.create({ ...ci, name: 'third' }, admin)
    assert.equal(tokens.find(third.token)?.madeBy, undefined)
  })

  it('leave only a hash in the ledger', async () => {
    const { tokens, register } = setUp()
    const { token } = await tokens.create(ci, admin)
    const secret = token.split('_').slice(2).join('_')
    const kept = JSON.stringify(register.entries)
    assert(!kept.includes(secret))
    assert(!kept.includes(Buffer.from(secret, 'base64url').toString('hex')))
    assert(
      kept.includes(createHash('sha256').update(Buffer.from(secret, 'base64url')).digest('hex')),
    )
  })

  it('hold no more from the moment they are revoked', async () => {
    const { tokens, register } = setUp()
    const { token, record } = await tokens.create(ci, admin)
    await tokens.revoke(record.id, admin)
    assert.equal(tokens.find(token), undefined)
    assert.deepEqual(
      register.entries.map(({ actor, decision }) => [actor, decision.type]),
      [
        ['admin', 'apiToken.created'],
        ['admin', 'apiToken.revoked'],
      ],
    )
  })

  it('are not what only looks like one', async () => {
    const { tokens } = setUp()
    const { token } = await tokens.create(ci, admin)
    const other = (await tokens.create({ ...ci, name: 'other' }, admin)).token
    const [, id, secret] = token.split('_') as [string, string, string]
    const bad = [
      ...['', 'gsw_', id, secret, `${token} `, ` ${token}`, token.toUpperCase(), `${token}A`],
      ...[token.slice(0, -1), `gsw_${id}_${other.slice(-43)}`, `gsw_constructor0_${secret}`],
      `gsw_${id}_${'A'.repeat(43)}`,
    ]
    for (const one of bad) assert.equal(tokens.find(one), undefined, one)
    assert(tokens.find(token))
  })

  it('have a name each, which is free again afterwards', async () => {
    const { tokens, advance } = setUp()
    const { record } = await tokens.create(ci, admin)
    await assert.rejects(tokens.create(ci, admin), { code: 'conflict' })
    await tokens.revoke(record.id, admin)
    await tokens.create(ci, admin)
    advance(1_000)
    await tokens.create(ci, admin)
  })

  it('are bounded in number', async () => {
    const { tokens } = setUp()
    for (let i = 0; i < mostApiTokens; i++) await tokens.create({ ...ci, name: `t-${i}` }, admin)
    await assert.rejects(tokens.create(ci, admin), { code: 'conflict', message: /revoke some/ })
  })
})
