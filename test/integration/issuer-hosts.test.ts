import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { IssuerSetting } from '../../hub/access/issuer-setting.ts'
import { createIssuer } from '../../hub/access/oidc.ts'

const stack = new AsyncDisposableStack()
after(() => stack.disposeAsync())

async function serve(answer: (path: string, url: string) => Record<string, unknown>) {
  const asked: string[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? ''
    asked.push(path)
    const given = answer(path, url)
    const { location } = given
    if (typeof location === 'string') {
      response.writeHead(302, { location }).end()
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(given))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  stack.defer(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked }
}

const issuerAt = (issuer: string) =>
  createIssuer(
    { issuer, clientId: 'hub', scopes: ['openid'] } as unknown as IssuerSetting,
    {},
    () => 0,
  )
const document = (issuer: string, more: object = {}): Record<string, unknown> => ({
  ...{ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` },
  ...{ jwks_uri: `${issuer}/keys`, ...more },
})
const startLogin = (issuer: string) => issuerAt(issuer).startLogin('https://hub.example/callback')
const away = { code: 'issuer_unavailable', message: 'the identity provider cannot be reached' }

test('B32: a discovery that redirects is not followed, and whoever it names is not asked', async () => {
  const other = await serve((_, url) => document(url))
  const first = await serve(() => ({
    location: `${other.url}/.well-known/openid-configuration`,
  }))
  await assert.rejects(startLogin(first.url), away)
  assert.equal(first.asked.length, 1)
  assert.deepEqual(other.asked, [])
})

test('B32: a discovery that speaks for another issuer is not believed', async () => {
  const server = await serve(() => document('https://id.example'))
  await assert.rejects(startLogin(server.url), away)
})

test('B32: keys that lie where anybody could change them are not asked for', async () => {
  for (const jwks of ['http://10.0.0.1/keys', 'http://keys.example/', 'file:///etc/passwd', 'x']) {
    const server = await serve((_, url) => document(url, { jwks_uri: jwks }))
    await assert.rejects(startLogin(server.url), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'issuer_unavailable', jwks)
      assert.match(error.message, /names no keys by https|cannot be reached/)
      return true
    })
  }
})

test('B32: keys that redirect elsewhere are no keys', async () => {
  const other = await serve(() => ({ keys: [] }))
  const server = await serve((path, url) =>
    path === '/keys' ? { location: `${other.url}/keys` } : document(url),
  )
  await assert.rejects(async () =>
    issuerAt(server.url).keys({ alg: 'ES256', kid: 'k' }, { payload: '', signature: '' }),
  )
  assert.ok(server.asked.includes('/keys'))
  assert.deepEqual(other.asked, [])
})
