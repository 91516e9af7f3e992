import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { pino } from 'pino'
import { createApiTokens } from '../../hub/access/api-tokens.ts'
import { buildServer } from '../../hub/api/http.ts'
import { createFakeHub } from '../support/fake-hub.ts'
import { createMemoryIdempotency } from '../support/memory-idempotency.ts'
import { createMemoryRegister } from '../support/memory-register.ts'
import { startApi } from '../support/api.ts'

const viewer = { authorization: 'Bearer viewer' }
const operator = { authorization: 'Bearer operator' }

describe('the API', () => {
  it('T36: does not start with a route that declares no policy', async () => {
    const api = buildServer({
      hub: createFakeHub(),
      idempotency: createMemoryIdempotency(),
      tokens: createApiTokens({
        ...{ register: createMemoryRegister(), clock: () => 0, random: randomBytes },
      }),
      authenticate: () => undefined,
      log: pino({ level: 'silent' }),
      metrics: { contentType: 'text/plain', metrics: async () => '' },
      version: '0',
    })
    assert.throws(() => api.get('/open', async () => 'secret'), /declares no policy/)
    await api.close()
  })

  it('answers unknown paths like known ones to those without a token', async () => {
    await using test = await startApi()
    const urls = ['/api/v1/clusters/lab', '/api/v1/nope', '//api/v1/clusters', '/API/v1/clusters']
    const odd = ['/api/v1/clusters/%6cab', '/api/v1/clusters%2flab', '/api/v1/clusters/lab/', '/x']
    for (const url of [...urls, ...odd, '/api/v1/clusters;x', '/api/v1/../v1/clusters']) {
      const { statusCode } = await test.api.inject({ url })
      assert.equal(statusCode, 401, url)
    }
    assert.equal((await test.api.inject({ url: '/x', headers: viewer })).statusCode, 404)
  })

  it('T36: decides on the route, not on how the path is written', async () => {
    await using test = await startApi()
    const { port } = await listen(test.api)
    for (const target of [
      `http://127.0.0.1:${port}/api/v1/clusters`,
      '//api/v1/clusters',
      '/api/v1/clusters?x=/livez',
      '/livez/../api/v1/clusters',
      '/livez%2f..%2fapi/v1/clusters',
    ]) {
      const answer = await sendRaw(port, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close`)
      assert.match(answer, /^HTTP\/1\.1 401 /, target)
    }
  })

  it('refuses two Authorization headers', async () => {
    await using test = await startApi()
    const { port } = await listen(test.api)
    const one = 'authorization: Bearer viewer'
    const head = `GET /api/v1/fleet HTTP/1.1\r\nhost: x\r\nconnection: close`
    assert.match(await sendRaw(port, `${head}\r\n${one}`), /^HTTP\/1\.1 200 /)
    assert.match(await sendRaw(port, `${head}\r\n${one}\r\n${one}`), /^HTTP\/1\.1 401 /)
  })

  it('answers what is not HTTP with a problem', async () => {
    await using test = await startApi()
    const { port } = await listen(test.api)
    const answer = await sendRaw(port, 'NONSENSE')
    assert.match(answer, /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"code":"invalid"/)
  })

  it('refuses a body over the cap and other content types', async () => {
    await using test = await startApi()
    const url = '/api/v1/rollouts/r-1/pause'
    const send = (payload: string, type: string) =>
      test.api.inject({
        method: 'POST',
        url,
        payload,
        headers: { ...operator, 'content-type': type },
      })
    const big = JSON.stringify({ reason: 'x'.repeat(70_000) })
    assert.equal((await send(big, 'application/json')).statusCode, 413)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      assert.equal((await send('{}', type)).statusCode, 415, type)
    }
    for (const type of ['application/json garbage', 'application/json\tx', 'Application/JSON']) {
      assert((await send('{"x":1}', type)).statusCode < 500, type)
    }
    assert.deepEqual(test.hub.actions, [])
  })

  it('pages with cursors until there is no more', async () => {
    await using test = await startApi()
    const names: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: Record<string, string> = { limit: '2', ...(cursor && { continue: cursor }) }
      const page = await test.api.inject({ url: '/api/v1/clusters', query, headers: viewer })
      const body = page.json<{ items: { name: string }[]; continue: string | null }>()
      names.push(...body.items.map((one) => one.name))
      cursor = body.continue
    }
    assert.deepEqual(names, ['edge-1', 'edge-2', 'lab'])
  })

  it('pages objects of an application, receipts and images, and narrows objects down', async () => {
    await using test = await startApi()
    const collect = async (url: string, limit: number, more: Record<string, string> = {}) => {
      const found: unknown[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const query: Record<string, string> = {
          ...more,
          limit: String(limit),
          ...(cursor && { continue: cursor }),
        }
        const page = await test.api.inject({ url, query, headers: viewer })
        assert.equal(page.statusCode, 200, page.body)
        const { items, continue: next } = page.json<{
          items: Record<string, unknown>[]
          continue: string | null
        }>()
        assert(items.length <= limit)
        found.push(...items.map((one) => one['object'] ?? one['id'] ?? one['image']))
        cursor = next
      }
      return found
    }
    const objects = '/api/v1/clusters/lab/applications/shop/objects'
    const all = ['/ConfigMap/shop/settings', '/Service/shop/web']
    assert.deepEqual(await collect(objects, 1), all)
    assert.deepEqual(await collect(objects, 1, { kind: 'Service' }), all.slice(1))
    assert.deepEqual(await collect(objects, 1, { group: 'apps' }), [])
    assert.deepEqual(await collect(objects, 2, { unwell: 'true' }), all)
    assert.deepEqual(await collect('/api/v1/clusters/lab/receipts', 2), ['3.0', '2.0', '1.0'])
    assert.equal((await collect('/api/v1/clusters/lab/receipts/3.0', 1)).length, 2)
    assert.equal((await collect('/api/v1/applications/shop/images', 1)).length, 2)
    const lost = await test.api.inject({
      url: '/api/v1/clusters/lab/receipts/1.0',
      headers: viewer,
    })
    assert.deepEqual(
      [lost.json<{ resultsKept: boolean }>().resultsKept, lost.statusCode],
      [false, 200],
    )
  })

  it('refuses page sizes and cursors that are not its own', async () => {
    await using test = await startApi()
    for (const query of [
      'limit=-1',
      'limit=0',
      'limit=1e9',
      'limit=x',
      'continue=forged',
      'sort=a',
    ])
      assert.equal(
        (await test.api.inject({ url: `/api/v1/clusters?${query}`, headers: viewer })).statusCode,
        400,
        query,
      )
  })

  it('selects by label and by application', async () => {
    await using test = await startApi()
    const names = async (url: string) =>
      (await test.api.inject({ url, headers: viewer }))
        .json<{ items: { name?: string; id?: string }[] }>()
        .items.map((one) => one.name ?? one.id)
    assert.deepEqual(await names('/api/v1/clusters?selector=env%3Ddev'), ['lab'])
    assert.deepEqual(await names('/api/v1/rollouts?application=shop&active=true'), ['r-1'])
    assert.deepEqual(await names('/api/v1/rollouts?application=other'), [])
    assert.deepEqual(await names('/api/v1/rollouts?active=false'), [])
  })

  it('gives single resources an ETag and 304 while it matches', async () => {
    await using test = await startApi()
    const url = '/api/v1/clusters/lab'
    const first = await test.api.inject({ url, headers: viewer })
    const etag = String(first.headers['etag'])
    const ask = () => test.api.inject({ url, headers: { ...viewer, 'if-none-match': etag } })
    const again = await ask()
    assert.deepEqual([again.statusCode, again.body], [304, ''])
    await test.hub.revokeCluster('lab', { actor: 'x', role: 'admin' }, '')
    assert.equal((await ask()).statusCode, 200)
  })

  it('acts only on the version that If-Match names', async () => {
    await using test = await startApi()
    const url = '/api/v1/rollouts/r-1'
    const etag = String((await test.api.inject({ url, headers: viewer })).headers['etag'])
    const pause = (ifMatch: string) =>
      test.api.inject({
        method: 'POST',
        url: `${url}/pause`,
        payload: { reason: 'look first' },
        headers: { ...operator, 'if-match': ifMatch },
      })
    assert.equal((await pause('"3"')).statusCode, 412)
    assert.equal((await pause('W/"x"')).statusCode, 400)
    assert.deepEqual(test.hub.actions, [])
    assert.equal((await pause(etag)).statusCode, 200)
    assert.equal((await pause(etag)).statusCode, 412)
    assert.equal((await pause('"5"')).statusCode, 200)
    assert.equal((await pause('*')).statusCode, 200)
    assert.deepEqual(test.hub.actions[0], {
      id: 'r-1',
      kind: 'pause',
      by: { actor: 'operator@example', role: 'operator' },
      reason: 'look first',
    })
  })

  it('starts a rollout once, and says where it is', async () => {
    await using test = await startApi()
    const start = () =>
      test.api.inject({
        method: 'POST',
        url: '/api/v1/rollouts',
        payload: { application: 'shop' },
        headers: operator,
      })
    assert.equal((await start()).statusCode, 409)
    test.hub.records.length = 0
    const response = await start()
    assert.deepEqual(
      [response.statusCode, response.headers['location']],
      [201, '/api/v1/rollouts/r-1'],
    )
  })

  it('caps the life of a join token, and lets nobody store the answer', async () => {
    await using test = await startApi()
    const ask = (ttl: string) =>
      test.api.inject({
        method: 'POST',
        url: '/api/v1/clusters/lab/tokens',
        payload: { ttl },
        headers: { authorization: 'Bearer admin' },
      })
    for (const ttl of ['1s', '169h', '99999999999999999999h', '1d', '']) {
      assert.equal((await ask(ttl)).statusCode, 400, ttl)
    }
    assert.equal((await ask('24h')).headers['cache-control'], 'no-store')
  })

  it('hands a webhook on with its exact bytes, and hides which ones exist', async () => {
    await using test = await startApi()
    const send = (name: string, signature: string) =>
      test.api.inject({
        method: 'POST',
        url: `/api/v1/webhooks/${name}`,
        payload: '{"a": 1 }\n',
        headers: { 'content-type': 'application/json', 'x-signature': signature },
      })
    assert.equal((await send('fleet', 'right')).statusCode, 202)
    assert.deepEqual(test.hub.webhooks, [{ name: 'fleet', body: '{"a": 1 }\n' }])
    const [wrong, unknown] = [await send('fleet', 'wrong'), await send('nope', 'right')]
    assert.deepEqual([wrong.statusCode, unknown.statusCode], [401, 401])
    assert.equal(wrong.json<{ detail: string }>().detail, unknown.json<{ detail: string }>().detail)
    assert.equal(test.hub.webhooks.length, 1)
  })

  it('is alive while it is not ready', async () => {
    await using test = await startApi()
    test.hub.view.ready = false
    assert.equal((await test.api.inject('/livez')).body, 'ok')
    for (const url of ['/readyz', '/healthz']) {
      const response = await test.api.inject(url)
      assert.equal(response.statusCode, 503)
      const checks = [{ name: 'redis', ok: false }]
      assert.deepEqual(response.json(), { ready: false, checks, warnings: [] })
    }
  })

  it('shows metrics to those with a token', async () => {
    await using test = await startApi()
    assert.equal((await test.api.inject('/metrics')).statusCode, 401)
    const response = await test.api.inject({ url: '/metrics', headers: viewer })
    assert.equal(response.body, 'up 1\n')
    assert.match(String(response.headers['content-type']), /^text\/plain; version=0\.0\.4/)
  })

  it('answers any name, query and body without failing', async () => {
    await using test = await startApi()
    const admin = { authorization: 'Bearer admin', 'content-type': 'application/json' }
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '%00', 'constructor', '__proto__', 'a/../b', 'lab.', '1e400', '\ud800'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('clusters', 'groups', 'applications', 'rollouts', 'webhooks'),
        hostile,
        fc.constantFrom('', '/objects', '/diff', '/pause', '/skip', '/tokens', '/revoke', '/plan'),
        hostile,
        fc.oneof(fc.json(), fc.constantFrom('{"ttl":1e400}', '{"reason":"\\ud800"}')),
        async (kind, name, suffix, value, payload) => {
          const part = encodeURIComponent(name.toWellFormed())
          const search = new URLSearchParams({ continue: value, selector: value, limit: value })
          const url = `/api/v1/${kind}/${part}${suffix}`
          for (const request of [
            { url: `${url}?${search.toString()}`, headers: admin },
            { url: `/api/v1/${kind}?${search.toString()}`, headers: admin },
            { method: 'POST' as const, url, headers: admin, payload },
          ]) {
            const response = await test.api.inject(request)
            assert(response.statusCode < 500, `${url}: ${response.body}`)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('says nothing of its inside when the hub fails', async () => {
    await using test = await startApi()
    test.hub.fleet = () => Promise.reject(new Error('ECONNREFUSED /var/run/secret.sock'))
    const response = await test.api.inject({ url: '/api/v1/fleet', headers: viewer })
    assert.equal(response.statusCode, 500)
    assert.doesNotMatch(response.body, /secret/)
  })
})

async function listen(api: { listen(o: object): Promise<string> }): Promise<{ port: number }> {
  const address = await api.listen({ host: '127.0.0.1', port: 0 })
  return { port: Number(new URL(address).port) }
}

async function sendRaw(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(`${head}\r\n\r\n`)
  return text(socket)
}
