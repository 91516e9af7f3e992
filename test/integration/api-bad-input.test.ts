import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, describe, it } from 'node:test'
import { startApi } from '../support/api.ts'

/* Rows B71 to B81 of what breaks REST APIs: each is refused as it should be, in words, and nothing is done. */

const url = '/api/v1/rollouts/r-1/pause'

interface Answer {
  readonly status: number
  readonly code: string
  readonly detail: string
}

const test = await startApi()
after(() => test[Symbol.asyncDispose]())
const address = await test.api.listen({ host: '127.0.0.1', port: 0 })

/** As it is, byte for byte: no client puts it right on the way. */
async function send(body: string | Buffer, type: string | null, path = url): Promise<Answer> {
  const asked = request(`${address}${path}`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer operator',
      'content-length': Buffer.byteLength(body),
      ...(type !== null && { 'content-type': type }),
    },
  })
  asked.on('error', () => {})
  asked.end(body)
  const [answer] = await once(asked, 'response')
  const said = JSON.parse((await text(answer)) || '{}')
  return { status: answer.statusCode, code: said.code ?? '', detail: said.detail ?? '' }
}

async function get(path: string): Promise<Answer> {
  const answer = await test.api.inject({
    url: `/api/v1/${path}`,
    headers: { authorization: 'Bearer viewer' },
  })
  const said = answer.json()
  return { status: answer.statusCode, code: said.code ?? '', detail: said.detail ?? '' }
}

function assertNothingDone(): void {
  assert.deepEqual(test.hub.actions, [])
}

describe('B71: a content type', () => {
  for (const type of [
    'application/json\tx',
    'application/json garbage',
    'application/jsonx',
    'application/json+x',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
    '',
  ]) {
    it(`is refused: ${JSON.stringify(type)}`, async () => {
      const { status, code } = await send('{"reason":"x"}', type)
      assert.deepEqual({ status, code }, { status: 415, code: 'media_type_unsupported' })
      assertNothingDone()
    })
  }
  for (const type of [' application/json', 'APPLICATION/JSON', 'application/json; charset=utf-8']) {
    it(`may be written ${JSON.stringify(type)}`, async () => {
      await using other = await startApi()
      const sent = { authorization: 'Bearer operator', 'content-type': type }
      const answer = await other.api.inject({
        ...{ method: 'POST', url, headers: sent, payload: '{"reason":"x"}' },
      })
      assert.equal(answer.statusCode, 200, answer.body)
      assert.equal(other.hub.actions.length, 1)
    })
  }
  it('is refused when there is none', async () => {
    assert.equal((await send('{"reason":"x"}', null)).status, 415)
    assertNothingDone()
  })
})

describe('B72: a body that is no object is never made one', () => {
  for (const body of ['"reason"', '1', '0', 'true', 'false', 'null', '[]', '[{}]', '""']) {
    it(body, async () => {
      const answer = await send(body, 'application/json')
      assert.deepEqual(answer, {
        ...{ status: 400, code: 'invalid', detail: 'body: must be object' },
      })
      assertNothingDone()
    })
  }
})

describe('B73: a body', () => {
  const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
  for (const [what, body, detail] of [
    ['an unknown field', '{"reason":"x","typo":1}', /^body: unknown: typo$/],
    ['__proto__', '{"__proto__":{"reason":"x"}}', /./],
    ['constructor', '{"constructor":{"prototype":{"x":1}}}', /./],
    ['another type', '{"reason":1}', /^body\/reason: must be string$/],
    ['1e400', '{"reason":1e400}', /^body\/reason: must be string$/],
    ['10,000 deep', `{"reason":${deep}}`, /^body\/reason: must be string$/],
    [
      'too long a text',
      `{"reason":"${'x'.repeat(501)}"}`,
      /^body\/reason: must not have more than 500 characters$/,
    ],
    [
      'a lone surrogate',
      String.raw`{"reason":"x\ud800"}`,
      /^body\/reason: must be well-formed Unicode$/,
    ],
    ['the other half', String.raw`{"reason":"\udc00\ud800"}`, /well-formed/],
    ['half a body', '{"reason":', /./],
    ['no body', '', /./],
  ] as const) {
    it(`is refused: ${what}`, async () => {
      const answer = await send(body, 'application/json')
      assert.equal(answer.status, 400, answer.detail)
      assert.equal(answer.code, 'invalid')
      assert.match(answer.detail, detail)
      assertNothingDone()
    })
  }
  it('is refused: 5 MB', async () => {
    const answer = await send(`{"reason":"${'x'.repeat(5_000_000)}"}`, 'application/json')
    assert.deepEqual([answer.status, answer.code], [413, 'too_large'])
    assertNothingDone()
  })
})

describe('B74: a path', () => {
  const secret = /edge-1|Deployment|groundswell\.dev/
  for (const path of [
    ...['/api/v1/clusters/../clusters/edge-1', '/api/v1/clusters/%2e%2e/clusters/edge-1'],
    ...['/api/v1/clusters/%2e%2e%2fedge-1', '/api/v1/clusters%2fedge-1', '/api/v1//clusters'],
    ...['//api/v1/clusters', '/api/v1/clusters;x', '/api/v1/clusters/edge-1;x=1'],
    ...['/api/v1/clusters/edge-1.', '/api/v1/clusters/edge-1%00', '/api/v1/clusters/edge-1%20'],
    ...['/api/v1/clusters/edge-1/', '/api/v1/clusters/EDGE-1', '/api/v1/clusters/..;/edge-1'],
    ...['/api/v1/clusters/edge-1%2fapplications', '/api/v1/clusters/%ff', '/api/v1/clusters/%'],
    ...['/api/v1/applications/shop/..%2f..%2fclusters', '/ui/..%2f..%2fetc%2fpasswd'],
  ]) {
    it(`leads nowhere: ${path}`, async () => {
      const asked = request(address, { path, headers: { authorization: 'Bearer viewer' } })
      asked.end()
      const [answer] = await once(asked, 'response')
      const body = await text(answer)
      assert.ok([400, 404].includes(answer.statusCode), `${answer.statusCode} ${body}`)
      const said = JSON.parse(body) as { status: number; detail: string }
      assert.equal(said.status, answer.statusCode)
      assert.doesNotMatch(said.detail.replaceAll(path, ''), secret)
    })
  }

  it('in absolute form is the path alone, whatever host it names', async () => {
    const path = 'http://evil.example/api/v1/clusters/edge-1'
    const asked = request(address, { path, headers: { authorization: 'Bearer viewer' } })
    asked.end()
    const [answer] = await once(asked, 'response')
    const body = await text(answer)
    assert.ok([200, 400, 404].includes(answer.statusCode), body)
    assert.doesNotMatch(body, /evil/)
    const stranger = request(address, { path })
    stranger.end()
    const [refused] = await once(stranger, 'response')
    refused.resume()
    assert.equal(refused.statusCode, 401)
  })
})

describe('a method that a path does not have', () => {
  for (const [method, path, allow] of [
    ['POST', 'clusters', 'GET, HEAD'],
    ['PUT', 'clusters/edge-1', 'GET, HEAD'],
    ['GET', 'rollouts/r-1/pause', 'POST'],
    ['PATCH', 'rollouts', 'GET, HEAD, POST'],
    ['GET', 'rollouts:plan', 'POST'],
    ['OPTIONS', 'rollouts', 'GET, HEAD, POST'],
    ['DELETE', 'clusters/edge-1/receipts/1.0', 'GET, HEAD'],
  ] as const) {
    it(`is refused with those it has: ${method} ${path}`, async () => {
      const asked = { method, url: `/api/v1/${path}` }
      const headers = { authorization: 'Bearer admin' }
      const answer = await test.api.inject({ ...asked, headers })
      const { code } = answer.json<{ code: string }>()
      assert.deepEqual(
        [answer.statusCode, code, answer.headers['allow']],
        [405, 'method_not_allowed', allow],
      )
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
      assert.equal((await test.api.inject(asked)).statusCode, 401)
      assertNothingDone()
    })
  }

  it('is told apart from a path that is not there', async () => {
    const headers = { authorization: 'Bearer admin' }
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const answer = await test.api.inject({ method, url: '/api/v1/nothing', headers })
      assert.deepEqual([answer.statusCode, answer.headers['allow']], [404, undefined])
    }
  })
})

describe('B76: a selector', () => {
  for (const [what, selector, detail] of [
    ['an unknown operator', 'env~=prod', /./],
    ['one that makes slow patterns', `${'a'.repeat(60)}=${'a'.repeat(900)}!`, /./],
    ['brackets without end', 'env in ('.repeat(100), /./],
    ['a regular expression', 'env=(a+)+$', /./],
    ['too many terms', Array.from({ length: 300 }, (_, at) => `a${at}=b`).join(), /./],
    ['too long', 'x'.repeat(1_025), /must not have more than 1024 characters/],
    ['__proto__ as an operator', 'env __proto__ (a)', /./],
  ] as const) {
    it(`is refused at once: ${what}`, async () => {
      const started = performance.now()
      const answer = await get(`clusters?selector=${encodeURIComponent(selector)}`)
      assert.deepEqual([answer.status, answer.code], [400, 'invalid'], answer.detail)
      assert.match(answer.detail, detail)
      assert.ok(performance.now() - started < 2_000)
    })
  }

  it('that matches everything reads everything; nothing is done by selector, so none needs a word', async () => {
    const all = await test.api.inject({
      url: '/api/v1/clusters?selector=',
      headers: { authorization: 'Bearer viewer' },
    })
    assert.equal(all.json<{ items: unknown[] }>().items.length, test.hub.view.clusters.length)
    const document = (await test.api.inject('/openapi.json')).json<{
      paths: Record<string, Record<string, { parameters?: { name: string }[] }>>
    }>()
    const acting = Object.values(document.paths).flatMap((item) =>
      Object.entries(item).filter(([method]) => method !== 'get'),
    )
    assert.ok(acting.length > 10)
    for (const [, { parameters = [] }] of acting) {
      assert.ok(parameters.every(({ name }) => name !== 'selector'))
    }
  })
})

describe('B75: a page', () => {
  for (const [query, detail] of [
    ['limit=-1', /^query\/limit: must be >= 1$/],
    ['limit=0', /^query\/limit: must be >= 1$/],
    ['limit=1e9', /^query\/limit: must be <= 500$/],
    ['limit=501', /^query\/limit: must be <= 500$/],
    ['limit=1.5', /^query\/limit: must be integer$/],
    ['limit=x', /^query\/limit: must be integer$/],
    ['limit=', /^query\/limit: must be >= 1$/],
    ['limit=1&limit=2', /^query\/limit: must be integer$/],
    ['continue=forged', /^continue: not a cursor of this list; start again without it$/],
    [
      `continue=${Buffer.from('group/name:sYQ|a').toString('base64url')}`,
      /^continue: not a cursor/,
    ],
    [
      `continue=${Buffer.from('cluster/name:../x').toString('base64url')}`,
      /^continue: not a cursor/,
    ],
    [`continue=${'x'.repeat(257)}`, /^query\/continue: must not have more than 256 characters$/],
    ['sort=constructor', /^query\/sort: must be one of name, -name, connection,/],
    ['sort=__proto__', /^query\/sort: must be one of name, -name,/],
    ['sort=name,-name', /^query\/sort: must be one of name, -name,/],
    ['fields=constructor', /^fields: no "constructor"; one of name, displayName,/],
    ['fields=__proto__', /^query\/fields: must match pattern/],
    ['fields=', /^query\/fields: must /],
    ['order=name', /^query: unknown: order$/],
  ] as const) {
    it(`is refused: ${query.slice(0, 40)}`, async () => {
      const answer = await get(`clusters?${query}`)
      assert.equal(answer.status, 400, answer.detail)
      assert.equal(answer.code, 'invalid')
      assert.match(answer.detail, detail)
    })
  }
})

describe('B81: streams', () => {
  it('are 32 for one caller, whoever asks for a thousand, and come free again', async () => {
    const ends: (() => void)[] = []
    const open = async (): Promise<number> => {
      const stop = new AbortController()
      const answer = await fetch(`${address}/api/v1/events/stream`, {
        headers: { authorization: 'Bearer viewer' },
        signal: stop.signal,
      })
      ends.push(() => stop.abort())
      if (answer.status === 429) {
        assert.equal(((await answer.json()) as { code: string }).code, 'too_many_streams')
      }
      return answer.status
    }
    const statuses = await Promise.all(Array.from({ length: 100 }, open))
    assert.equal(statuses.filter((status) => status === 200).length, 32)
    assert.equal(statuses.filter((status) => status === 429).length, 68)
    for (const end of ends) end()
  })

  for (const forged of ['x', '-1', '1e9', '0x1', '1-2-3', '9'.repeat(17), '1 OR 1=1']) {
    it(`are not resumed after ${JSON.stringify(forged)}`, async () => {
      const answer = await test.api.inject({
        url: '/api/v1/events/stream',
        headers: { authorization: 'Bearer admin', 'last-event-id': forged },
      })
      assert.equal(answer.statusCode, 400)
      assert.equal(answer.json().detail, 'Last-Event-ID: not an event id of this hub')
    })
  }
})
