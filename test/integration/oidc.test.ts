import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, it } from 'node:test'
import { createBrowser } from '../support/identity-provider.ts'
import { type LoginWorld, startLoginWorld } from '../support/login-world.ts'

async function logIn({ origin }: LoginWorld, account: string) {
  const browser = createBrowser(account)
  const there = await browser.go(
    `${origin}/auth/login?return=/clusters`,
    (url) => url === `${origin}/clusters`,
  )
  assert.equal(there, `${origin}/clusters`)
  const who = await browser.request(`${origin}/api/v1/whoami`)
  return { browser, who: (await who.json()) as { actor: string; role: string; csrf: string } }
}

const pause = (origin: string) => `${origin}/api/v1/rollouts/r-1/pause`
const json = { 'content-type': 'application/json' }

describe('a browser', () => {
  it('logs in by the provider with PKCE, and is who the provider says', async () => {
    await using world = await startLoginWorld()
    const { browser, who } = await logIn(world, 'ada')
    assert.deepEqual([who.actor, who.role], ['oidc:ada', 'admin'])
    const [name] = [...browser.cookies.keys()].filter((key) => key.endsWith('__Host-groundswell'))
    assert(name)
    const started = await browser.request(`${world.origin}/auth/login`)
    const asked = new URL(started.headers.get('location')!).searchParams
    assert.equal(asked.get('code_challenge_method'), 'S256')
    const [cookie] = started.headers.getSetCookie()
    assert.match(cookie!, /^__Host-[^;]+; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
  })

  it('B80: changes something only from a page of ours', async () => {
    await using world = await startLoginWorld()
    const { origin, test } = world
    const { browser, who } = await logIn(world, 'ada')
    const token = { 'x-csrf-token': who.csrf }
    const send = (headers: Record<string, string>) =>
      browser.request(pause(origin), {
        method: 'POST',
        body: '{}',
        headers: { ...json, ...headers },
      })
    for (const headers of [
      {},
      { origin },
      token,
      { ...token, origin: 'null' },
      { ...token, origin: 'https://evil.example' },
      { ...token, origin: `${origin}.evil.example` },
      { origin, 'x-csrf-token': '' },
      { origin, 'x-csrf-token': 'x'.repeat(43) },
      { ...token, origin: 'https://evil.example', 'x-forwarded-host': new URL(origin).host },
    ])
      assert.equal((await send(headers)).status, 403, JSON.stringify(headers))
    const override = await browser.request(`${pause(origin)}?_method=POST`, {
      headers: { 'x-http-method-override': 'POST', 'x-forwarded-for': '127.0.0.1' },
    })
    assert.equal(override.status, 405)
    assert.equal(test.hub.actions.length, 0)
    assert.equal((await send({ ...token, origin })).status, 200)
    assert.equal(test.hub.actions[0]?.by.actor, 'oidc:ada')
    const allowed = await browser.request(`${origin}/api/v1/whoami`, {
      headers: { origin: 'https://evil.example' },
    })
    assert.equal(allowed.headers.get('access-control-allow-origin'), null)
  })

  it('B80: is sent where the setting says, whatever host the request names', async () => {
    await using world = await startLoginWorld()
    const { hostname, port } = new URL(world.origin)
    const ask = async (headers: Record<string, string>) => {
      const asked = request({ host: hostname, port, path: '/auth/login', headers })
      asked.end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      answer.resume()
      return new URL(String(answer.headers['location'])).searchParams.get('redirect_uri')
    }
    const ours = await ask({})
    assert.equal(ours, `${world.origin}/auth/callback`)
    for (const headers of [
      { host: 'evil.example' },
      { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
      { forwarded: 'host=evil.example;proto=http', 'x-original-url': '/evil' },
    ])
      assert.equal(await ask(headers), ours, JSON.stringify(headers))
  })

  it('T33: loses what its group gave within five minutes, and its stream with that', async () => {
    await using world = await startLoginWorld()
    const { origin, provider, test } = world
    const { browser } = await logIn(world, 'sel')
    const stream = await browser.request(`${origin}/api/v1/events/stream`)
    assert.equal(stream.status, 200)
    provider.groups.set('sel', [])
    world.advance(5 * 60_000)
    await stream.text()
    assert.equal(test.hub.subscribers, 0)
    assert.equal((await browser.request(`${origin}/api/v1/applications/shop`)).status, 403)
  })

  it('is let in no more after it logged out', async () => {
    await using world = await startLoginWorld()
    const { origin } = world
    const { browser, who } = await logIn(world, 'ada')
    const kept = [...browser.cookies].find(([key]) => key.endsWith('__Host-groundswell'))![1]
    const headers = { origin, 'x-csrf-token': who.csrf }
    const out = await browser.request(`${origin}/auth/logout`, { method: 'POST', headers })
    assert.equal(out.status, 204)
    const again = await fetch(`${origin}/api/v1/whoami`, {
      headers: { cookie: `__Host-groundswell=${kept}` },
    })
    assert.equal(again.status, 401)
  })

  it('B79: cannot be made to finish a login that somebody else began', async () => {
    await using world = await startLoginWorld()
    const { origin } = world
    const attacker = createBrowser('ada')
    const callback = await attacker.go(`${origin}/auth/login`, (url) =>
      url.startsWith(`${origin}/auth/callback`),
    )
    const victim = createBrowser('sel')
    assert.equal((await victim.request(callback)).status, 401)
    await victim.request(`${origin}/auth/login`)
    assert.equal((await victim.request(callback)).status, 401)
  })
})

describe('the provider', () => {
  it('answers 503 through us while it is away, and keeps nobody else out', async () => {
    await using world = await startLoginWorld()
    const { origin, provider } = world
    await provider.stop()
    const header = Buffer.from('{"alg":"ES256","kid":"x"}').toString('base64url')
    const status = async (token: string) =>
      (await fetch(`${origin}/api/v1/whoami`, { headers: { authorization: `Bearer ${token}` } }))
        .status
    assert.equal(await status(`${header}.e30.e30`), 503)
    assert.equal((await fetch(`${origin}/auth/login`)).status, 503)
    assert.equal(await status('admin'), 200)
  })
})
