import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { createSessions, type SessionsDeps } from '../../../../hub/access/sessions.ts'
import { HubError } from '../../../../hub/errors.ts'

const minute = 60_000

function setUp(refreshToken: string | null = 'r0') {
  let now = 1_000_000
  let turn = 0
  const state = {
    ...{ renewals: 0, answer: 'good' as 'good' | 'refused' | 'away' },
    ...{ groups: ['sellers'], actor: 'oidc:ada' },
  }
  const issuer: SessionsDeps['issuer'] = {
    startLogin: async (redirect) => ({
      url: new URL(`https://id.example/auth?to=${redirect}`),
      ...{ verifier: 'v', state: 's', nonce: 'n' },
    }),
    finishLogin: async (at) => {
      if (at.searchParams.get('code') !== 'right') throw new HubError('unauthenticated', 'no')
      return { idToken: 't0', refreshToken: refreshToken ?? undefined }
    },
    renew: async () => {
      state.renewals++
      if (state.answer === 'refused') throw new HubError('unauthenticated', 'no')
      if (state.answer === 'away') throw new HubError('issuer_unavailable', 'no')
      return { idToken: `t${state.renewals}`, refreshToken: `r${state.renewals}` }
    },
  }
  const sessions = createSessions({
    issuer,
    verify: async () => ({
      ...{ actor: state.actor, role: null, groups: state.groups },
      expiresAt: now + 60 * minute,
    }),
    origin: 'https://hub.example',
    clock: () => now,
    random: (bytes) => createHash('sha512').update(String(turn++)).digest().subarray(0, bytes),
  })
  const logIn = async (returnTo = '/') => {
    const { login } = await sessions.begin(returnTo)
    return sessions.finish(login, '?code=right')
  }
  return { sessions, state, logIn, advance: (ms: number) => (now += ms) }
}

describe('sessions', () => {
  it('begin with a login that was begun here, once and in time', async () => {
    const { sessions, advance } = setUp()
    const refused = { code: 'unauthenticated' }
    await assert.rejects(sessions.finish('made-up', '?code=right'), refused)
    const { login, url } = await sessions.begin('/')
    assert.equal(url.searchParams.get('to'), 'https://hub.example/auth/callback')
    await assert.rejects(sessions.finish(login, '?code=wrong'), refused)
    await assert.rejects(sessions.finish(login, '?code=right'), refused, 'used up')
    const late = await sessions.begin('/')
    advance(10 * minute)
    await assert.rejects(sessions.finish(late.login, '?code=right'), refused)
  })

  it('send a browser nowhere but to a path of ours', async () => {
    const { logIn } = setUp()
    for (const path of ['/', '/clusters?x=1#y']) assert.equal((await logIn(path)).returnTo, path)
    for (const path of ['//evil', '/\\evil', 'https://evil', 'evil', '/a\\b', '/a\nb', '', '/\t/e'])
      assert.equal((await logIn(path)).returnTo, '/', path)
  })

  it('are found by their cookie alone, each with a token of its own', async () => {
    const { sessions, logIn } = setUp()
    const [one, other] = [await logIn(), await logIn()]
    const [mine, theirs] = [await sessions.find(one.cookie), await sessions.find(other.cookie)]
    assert.equal(mine?.principal.actor, 'oidc:ada')
    assert.notEqual(mine.csrf, theirs?.csrf)
    for (const cookie of ['', 'x', one.cookie.slice(1), mine.csrf])
      assert.equal(await sessions.find(cookie), undefined)
  })

  it('end when somebody logs out, and after a day of work', async () => {
    const { sessions, logIn, advance } = setUp()
    const [one, other] = [await logIn(), await logIn()]
    sessions.end(one.cookie)
    assert.equal(await sessions.find(one.cookie), undefined)
    for (let at = 0; at < 12 * 60 - 10; at += 10) {
      advance(10 * minute)
      assert(await sessions.find(other.cookie), `after ${at} minutes`)
    }
    advance(10 * minute)
    assert.equal(await sessions.find(other.cookie), undefined)
  })

  it('T33: ask the provider every five minutes, and take its groups', async () => {
    const { sessions, state, logIn, advance } = setUp()
    const { cookie } = await logIn()
    advance(4 * minute)
    await sessions.find(cookie)
    assert.equal(state.renewals, 0)
    state.groups = []
    advance(minute)
    const found = await Promise.all([sessions.find(cookie), sessions.find(cookie)])
    assert.equal(state.renewals, 1, 'once for all who ask')
    assert.deepEqual(found[0]?.principal.groups, [])
  })

  it('T33: end when the provider knows the login no longer', async () => {
    const { sessions, state, logIn, advance } = setUp()
    const { cookie } = await logIn()
    state.answer = 'refused'
    advance(5 * minute)
    assert.equal(await sessions.find(cookie), undefined)
  })

  it('T33: end when the provider renews them as somebody else’s', async () => {
    const { sessions, state, logIn, advance } = setUp()
    const { cookie } = await logIn()
    state.actor = 'oidc:eve'
    advance(5 * minute)
    assert.equal(await sessions.find(cookie), undefined)
  })

  it('last while the provider is away, but no longer than what it last said', async () => {
    const { sessions, state, logIn, advance } = setUp()
    const { cookie } = await logIn()
    state.answer = 'away'
    advance(59 * minute)
    assert(await sessions.find(cookie))
    advance(minute)
    assert.equal(await sessions.find(cookie), undefined)
  })

  it('ask a provider that is away every half minute, and not with each call', async () => {
    const { sessions, state, logIn, advance } = setUp()
    const { cookie } = await logIn()
    state.answer = 'away'
    advance(5 * minute)
    for (let calls = 0; calls < 10; calls++) assert(await sessions.find(cookie))
    assert.equal(state.renewals, 1)
    advance(minute / 2)
    assert(await sessions.find(cookie))
    assert.equal(state.renewals, 2)
    state.answer = 'refused'
    advance(minute / 2)
    assert.equal(await sessions.find(cookie), undefined)
  })

  it('without a token to renew them end with the ID token', async () => {
    const { sessions, logIn, advance } = setUp(null)
    const { cookie } = await logIn()
    advance(60 * minute)
    assert.equal(await sessions.find(cookie), undefined)
  })

  it('outlast the logins that one address may begin meanwhile', async () => {
    const { sessions } = setUp()
    const { login } = await sessions.begin('/')
    for (let i = 0; i < 20 * 60 * 10; i++) await sessions.begin('/')
    await sessions.finish(login, '?code=right')
  })

  it('of one person push out none of another', async () => {
    const { sessions, state, logIn } = setUp()
    const ada = await logIn()
    state.actor = 'oidc:eve'
    const first = await logIn()
    for (let i = 0; i < 5_100; i++) await logIn()
    assert.equal((await sessions.find(ada.cookie))?.principal.actor, 'oidc:ada')
    assert.equal(await sessions.find(first.cookie), undefined)
  })

  it('are bounded, as are logins that nobody finishes', async () => {
    const { sessions, state, logIn } = setUp()
    const first = await logIn()
    for (let i = 0; i < 5_000; i++) {
      state.actor = `oidc:${i}`
      await logIn()
    }
    assert.equal(await sessions.find(first.cookie), undefined)
    const { login } = await sessions.begin('/')
    for (let i = 0; i < 15_000; i++) await sessions.begin('/')
    await assert.rejects(sessions.finish(login, '?code=right'), { code: 'unauthenticated' })
  })
})
