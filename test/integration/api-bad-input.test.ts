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
