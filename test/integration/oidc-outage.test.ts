import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { parseIssuer } from '../../hub/access/issuer-setting.ts'
import { createIssuer, type Issuer } from '../../hub/access/oidc.ts'
import { freePort } from '../support/free-port.ts'

/* A provider that fails is away, as one that cannot be reached is: it has refused nobody. */

describe('an identity provider', () => {
  const stack = new AsyncDisposableStack()
  let issuer: Issuer
  let answer = { status: 200, type: 'application/json', body: '{}' }

  before(async () => {
    const at = `http://127.0.0.1:${await freePort()}`
    const server = createServer((request, response) => {
      const metadata = JSON.stringify({
        ...{ issuer: at, jwks_uri: `${at}/keys`, authorization_endpoint: `${at}/auth` },
        ...{ token_endpoint: `${at}/token`, response_types_supported: ['code'] },
      })
      const told = request.url === '/token' ? answer : { ...answer, status: 200, body: metadata }
      response.writeHead(told.status, { 'content-type': told.type }).end(told.body)
    })
    server.listen(Number(new URL(at).port), '127.0.0.1')
    await once(server, 'listening')
    stack.defer(async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    })
    issuer = createIssuer(parseIssuer({ issuer: at, clientId: 'hub' }, 'oidc.yaml'), {}, () => 0)
    await issuer.startLogin('https://hub.example/auth/callback')
  })
  after(() => stack.disposeAsync())

  const renew = () => issuer.renew('a-refresh-token')
  const json = (body: object) => ({ type: 'application/json', body: JSON.stringify(body) })
  const page = { type: 'text/html', body: '<h1>Bad Gateway</h1>' }

  for (const [what, given] of [
    ['a proxy before it that has nobody to ask', { status: 502, ...page }],
    ['maintenance', { status: 503, ...page }],
    ['a fault of its own', { status: 500, ...json({ error: 'server_error' }) }],
    ['too many who ask', { status: 429, ...json({ error: 'slow_down' }) }],
  ] as const)
    it(`T33: that fails has refused no login: ${what}`, async () => {
      answer = given
      await assert.rejects(renew(), { code: 'issuer_unavailable' })
    })

  for (const [what, given] of [
    ['a login that it knows no longer', { status: 400, ...json({ error: 'invalid_grant' }) }],
    ['a client that it knows no longer', { status: 401, ...json({ error: 'invalid_client' }) }],
    ['what is no answer', { status: 200, ...json({}) }],
  ] as const)
    it(`T33: refuses a login: ${what}`, async () => {
      answer = given
      await assert.rejects(renew(), { code: 'unauthenticated' })
    })
})
