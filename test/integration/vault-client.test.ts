import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { createVaultClient } from '../../agent/secrets/http.ts'

const never = new AbortController().signal

async function startVault(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = createVaultClient({ address: `http://127.0.0.1:${port}/at/`, namespace: 'team' })
  return {
    ...client,
    async [Symbol.asyncDispose]() {
      await client.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('createVaultClient', () => {
  it('asks below the address, with token, namespace and the length of its body', async () => {
    const seen: unknown[] = []
    await using vault = await startVault(async (request, response) => {
      const { headers, method, url } = request
      const {
        'x-vault-token': token,
        'x-vault-namespace': team,
        'content-length': length,
      } = headers
      seen.push([method, url, token, team, length, await text(request)])
      response.writeHead(201).end('{"data":{"ä":1}}')
    })
    const get = { method: 'GET', path: 'secret/data/a', token: 't', signal: never } as const
    assert.deepEqual(await vault.send(get), { status: 201, body: { data: { ä: 1 } } })
    await vault.send({ method: 'POST', path: 'auth', body: { jwt: 'ä' }, signal: never })
    assert.deepEqual(seen, [
      ['GET', '/at/v1/secret/data/a', 't', 'team', undefined, ''],
      ['POST', '/at/v1/auth', undefined, 'team', '12', '{"jwt":"ä"}'],
    ])
  })

  it('reads no answer beyond its bound, and quotes none', async () => {
    await using vault = await startVault((_request, response) => {
      response.end('hidden'.repeat(400_000))
    })
    const asked = vault.send({ method: 'GET', path: 'x', signal: never })
    await assert.rejects(asked, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'vault_unavailable')
      assert.match(error.message, /more than 1048576 bytes/)
      assert.doesNotMatch(error.message, /hidden/)
      return true
    })
  })

  it('ends with its signal, and says when nobody answers', async () => {
    const stop = new AbortController()
    await using vault = await startVault(() => stop.abort())
    const asked = vault.send({ method: 'GET', path: 'x', signal: stop.signal })
    await assert.rejects(asked, { name: 'AbortError' })
    const gone = createVaultClient({ address: 'http://127.0.0.1:9' })
    await assert.rejects(gone.send({ method: 'GET', path: 'x', signal: never }), {
      code: 'vault_unavailable',
    })
    await gone.close()
  })
})
