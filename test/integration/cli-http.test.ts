import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Server, createServer, globalAgent } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { readText } from '../../hub/cli/client.ts'
import { fetchAnswer } from '../../hub/cli/http.ts'
import { until } from '../support/until.ts'

describe('what swell asks by', () => {
  let server: Server
  let base: string
  const seen: string[] = []
  const never = new AbortController().signal
  before(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`)
      if (request.url === '/elsewhere') response.writeHead(302, { location: '/secret' }).end()
      else if (request.url === '/nothing') response.writeHead(204).end()
      else if (request.url !== '/silent') request.pipe(response.writeHead(201, { 'x-a': 'b' }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  it('sends a body and reads the answer', async () => {
    const asked = { method: 'POST', body: '{"ü":1}', signal: never }
    const answer = await fetchAnswer(new URL(`${base}/x`), asked)
    assert.deepEqual([answer.ok, answer.status, answer.headers.get('x-a')], [true, 201, 'b'])
    assert.equal(answer.headers.get('x-c'), null)
    assert.equal(await readText(answer), '{"ü":1}')
  })

  it('lets go of a connection whose answer has no body: nothing keeps the program from ending', async () => {
    const url = new URL(`${base}/nothing`)
    assert.equal((await fetchAnswer(url, { method: 'POST', signal: never })).status, 204)
    const isMine = (name: string) => name.includes(`:${url.port}:`)
    await until(() => !Object.keys(globalAgent.sockets).some(isMine), {
      deadlineMs: 5_000,
      what: 'the connection to be idle',
    })
  })

  it('takes a token nowhere else: an answer that points elsewhere is none', async () => {
    const headers = { authorization: 'Bearer secret' }
    const asked = fetchAnswer(new URL(`${base}/elsewhere`), { headers, signal: never })
    await assert.rejects(asked, /it points elsewhere \(302\)/)
    assert.ok(!seen.some((line) => line.includes('/secret')))
  })

  it('gives up when told, with the reason', async () => {
    const signal = AbortSignal.timeout(50)
    await assert.rejects(fetchAnswer(new URL(`${base}/silent`), { signal }), {
      name: 'TimeoutError',
    })
  })

  it('says why nobody answers, also of a name with several addresses', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const asked = fetchAnswer(new URL(`http://${host}:1/`), { signal: never })
      await assert.rejects(asked, /connect ECONNREFUSED/)
    }
  })
})
