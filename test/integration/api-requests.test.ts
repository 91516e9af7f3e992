import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import { parseIssuer } from '../../hub/access/issuer-setting.ts'
import type { Sessions } from '../../hub/access/sessions.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { makeAccess } from '../support/access.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

function post(
  { api }: TestApi,
  url: string,
  payload: object,
  headers: Record<string, string> = {},
  token = 'admin',
) {
  return api.inject({
    method: 'POST',
    url: `/api/v1/${url}`,
    headers: { ...bearer(token), ...headers },
    payload,
  })
}

const get = ({ api }: TestApi, url: string, token = 'admin') =>
  api.inject({ url: `/api/v1/${url}`, headers: bearer(token) })

describe('Idempotency-Key', () => {
  const key = { 'idempotency-key': 'deploy-42' }

  it('B78: has a request carried out once, and its answer given again', async () => {
    await using test = await startApi()
    const first = await post(test, 'rollouts/r-1/pause', { reason: 'x' }, key)
    const again = await post(test, 'rollouts/r-1/pause', { reason: 'x' }, key)
    assert.deepEqual([first.statusCode, again.statusCode], [200, 200])
    assert.deepEqual(again.json(), first.json())
    assert.equal(again.headers['idempotency-replayed'], 'true')
    assert.equal(test.hub.actions.length, 1)
  })

  it('B78: is refused for another body, another path, or what is no key', async () => {
    await using test = await startApi()
    await post(test, 'rollouts/r-1/pause', { reason: 'x' }, key)
    assert.equal((await post(test, 'rollouts/r-1/pause', { reason: 'y' }, key)).statusCode, 409)
    assert.equal((await post(test, 'rollouts/r-1/resume', { reason: 'x' }, key)).statusCode, 409)
    for (const bad of ['', ' ', 'a b', 'x'.repeat(129), 'é']) {
      const answer = await post(test, 'rollouts/r-1/pause', {}, { 'idempotency-key': bad })
      assert.equal(answer.statusCode, 400, JSON.stringify(bad))
    }
    assert.equal(test.hub.actions.length, 1)
  })

  it('is each caller’s own', async () => {
    await using test = await startApi()
    await post(test, 'rollouts/r-1/pause', { reason: 'x' }, key)
    const other = await post(test, 'rollouts/r-1/resume', { reason: 'y' }, key, 'operator')
    assert.equal(other.statusCode, 200)
  })

  it('is free again after a refusal', async () => {
    await using test = await startApi()
    const missing = await post(test, 'rollouts/r-9/pause', {}, key)
    assert.equal(missing.statusCode, 404)
    assert.equal((await post(test, 'rollouts/r-1/pause', {}, key)).statusCode, 200)
  })

  it('keeps no secret: what was shown once is told from its key only as done', async () => {
    await using test = await startApi()
    const body = { name: 'ci', role: 'viewer' }
    const made = await post(test, 'tokens', body, key)
    assert.equal(made.statusCode, 201)
    const { token } = made.json<{ token: string }>()
    assert(!JSON.stringify([...test.idempotency.outcomes]).includes(token))
    const again = await post(test, 'tokens', body, key)
    assert.deepEqual([again.statusCode, /shown only then/.test(again.body)], [409, true])
    assert.equal(test.tokens.list().length, 1)
  })
})

describe('B78: If-Match', () => {
  it('B78: is refused with 412 when stale, and with 400 when it is no ETag', async () => {
    await using test = await startApi()
    const status = async (etag: string) =>
      (await post(test, 'rollouts/r-1/pause', {}, { 'if-match': etag })).statusCode
    assert.deepEqual([await status('"3"'), await status('4'), await status('"x"')], [412, 400, 400])
    assert.deepEqual([await status('"4"'), await status('"4"')], [200, 412])
  })

  it('B78: is refused with 412, too, when the rollout moves between the look and the act', async () => {
    await using test = await startApi()
    test.hub.actOnRollout = async () => {
      const [record] = test.hub.records
      test.hub.records[0] = { ...record!, run: { ...record!.run, version: 5 } }
      throw new HubError('conflict', 'it is at version 5, not 4')
    }
    const answer = await post(test, 'rollouts/r-1/pause', {}, { 'if-match': '"4"' })
    assert.equal(answer.statusCode, 412, answer.body)
    // Without it, or at the right version, a conflict is one.
    const other = await post(test, 'rollouts/r-1/pause', {}, { 'if-match': '"5"' })
    assert.deepEqual(
      [other.statusCode, (await post(test, 'rollouts/r-1/pause', {})).statusCode],
      [409, 409],
    )
  })
})

/** An API whose people log in by a provider; `strangers` may make five calls a second. */
async function startWithLogins() {
  let begun = 0
  const sessions: Sessions = {
    origin: 'https://hub.example',
    begin: async () => ({ url: new URL('https://id.example/'), login: `${(begun += 1)}` }),
    finish: async () => ({ cookie: '', returnTo: '/' }),
    find: async () => undefined,
    end: () => {},
  }
  const setting = parseIssuer({ issuer: 'https://id.example', clientId: 'hub' }, 'oidc.yaml')
  const test = await startApi(10_000, 30_000, undefined, {
    rate: { strangers: 5 },
    people: { authenticate: () => undefined, login: { setting, sessions } },
  })
  return { test, begun: () => begun }
}

describe('rate limits', () => {
  it('leave room for other callers, and say when to ask again', async () => {
    await using test = await startApi(10_000, 30_000, undefined, { rate: { perCaller: 5 } })
    const answers = []
    for (let i = 0; i < 20; i++) answers.push(await get(test, 'version', 'viewer'))
    const refused = answers.filter(({ statusCode }) => statusCode === 429)
    assert(refused.length >= 5, String(refused.length))
    assert.equal(refused[0]!.headers['retry-after'], '1')
    assert.equal(refused[0]!.json<{ code: string }>().code, 'too_many_requests')
    assert.equal((await get(test, 'version', 'admin')).statusCode, 200)
  })

  it('T33: give who guesses tokens few guesses, and keep nobody out who has one', async () => {
    await using test = await startApi(10_000, 30_000, undefined, { rate: { strangers: 5 } })
    const statuses = []
    for (let i = 0; i < 30; i++)
      statuses.push((await get(test, 'version', `guess-${i}`)).statusCode)
    assert(statuses.slice(0, 5).every((status) => status === 401))
    assert(statuses.includes(429))
    assert.equal((await get(test, 'version')).statusCode, 200)
  })

  it('T33: let nobody begin logins until those of others are forgotten', async () => {
    const { test: opened, begun } = await startWithLogins()
    await using test = opened
    const statuses = []
    for (let i = 0; i < 30; i++)
      statuses.push((await test.api.inject({ url: '/auth/login' })).statusCode)
    assert.deepEqual([...new Set(statuses)], [302, 429])
    assert(begun() < 20, `${begun()} logins were begun`)
    assert.equal((await get(test, 'version')).statusCode, 200)
  })

  it('let people log in anew whose dashboards all named a session that is no more', async () => {
    const { test: opened } = await startWithLogins()
    await using test = opened
    const answers = []
    for (let i = 0; i < 30; i++) answers.push((await get(test, 'clusters', 'gone')).statusCode)
    assert.deepEqual([...new Set(answers)], [401, 429])
    assert.equal((await test.api.inject({ url: '/auth/login' })).statusCode, 302)
  })
})

describe('what is said of the whole fleet', () => {
  it('shows a tenant only what is theirs', async () => {
    await using test = await startApi()
    test.hub.access = makeAccess({
      applications: { shop: 'store', grid: 'power' },
      roles: {
        store: [{ name: 'a', groups: ['sellers'], allow: [{ actions: ['start'] }] }],
        power: [{ name: 'b', groups: ['engineers'], allow: [{ actions: ['read'] }] }],
      },
    })
    test.callers.set('seller', { actor: 's', role: null, groups: ['sellers'] })
    test.callers.set('engineer', { actor: 'e', role: null, groups: ['engineers'] })
    const count = async (url: string, token: string) =>
      (await get(test, url, token)).json<{ items: unknown[] }>().items.length
    for (const url of ['holds', 'approvals', 'drift']) {
      assert(await count(url, 'seller'), url)
      assert.equal(await count(url, 'engineer'), 0, url)
    }
    for (const url of ['summary', 'audit', 'windows'])
      assert.equal((await get(test, url, 'seller')).statusCode, 403, url)
    const release = (token: string) => post(test, 'holds/shop/release', {}, {}, token)
    assert.equal((await release('engineer')).statusCode, 403)
    assert.equal((await release('seller')).statusCode, 204)
    assert.equal((await release('seller')).statusCode, 404)
  })

  it('pages through drift and the ledger', async () => {
    await using test = await startApi()
    const clusters: string[] = []
    for (let at: string | null = ''; at !== null;) {
      const answer = await get(test, `drift?limit=1${at && `&continue=${at}`}`)
      const page = answer.json<{ items: { cluster: string }[]; continue: string | null }>()
      clusters.push(...page.items.map(({ cluster }) => cluster))
      at = page.continue
    }
    assert.deepEqual(clusters, ['edge-1', 'lab'])
    const indexes: number[] = []
    for (let after: number | null = 0; after !== null;) {
      const answer = await get(test, `audit?limit=2&after=${after}`)
      const page = answer.json<{ items: { index: number }[]; next: number | null }>()
      indexes.push(...page.items.map(({ index }) => index))
      after = page.next
    }
    assert.deepEqual(indexes, [1, 2, 3])
  })
})

describe('T36: every route', () => {
  it('T36, B74: is closed to callers without a token, however its path is written', async () => {
    await using test = await startApi()
    const { paths } = (await test.api.inject('/openapi.json')).json<{
      paths: Record<string, Record<string, { security?: unknown[] }>>
    }>()
    const open: string[] = []
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(item)) {
        if (security?.length === 0) continue
        const url = path.replaceAll(/\{\w+\}/g, 'lab')
        const [, first = '', ...rest] = url.split('/')
        const spellings = [
          ...[url, `/${url}`, `${url}/`, `${url}?x=/livez`, `${url};x`, `${url}%00`],
          ...[`/${first.toUpperCase()}/${rest.join('/')}`, url.replace('/v1', '/v1/../v1')],
          ...[url.replaceAll('/', '%2f'), url.replace('/v1', '/%76%31'), `/livez/..${url}`],
          ...[`http://hub.example${url}`, `${url}.json`, url.replaceAll('/', '//')],
        ]
        for (const spelling of spellings) {
          const { statusCode } = await test.api.inject({
            method: method.toUpperCase() as 'GET',
            url: spelling,
            ...(method === 'post' && { payload: {} }),
          })
          if (statusCode !== 401 && statusCode !== 400)
            open.push(`${method} ${spelling}: ${statusCode}`)
        }
      }
    }
    assert.deepEqual(open, [])
  })
})
