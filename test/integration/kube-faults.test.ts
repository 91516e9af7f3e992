import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createMuteServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { type ApiClient, createApiClient } from '../../agent/cluster/http.ts'
import { createKubeCluster } from '../../agent/cluster/kube.ts'
import { AgentError } from '../../agent/errors.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

const never = new AbortController().signal

/** An API server that misbehaves as told. */
async function startServer(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    connection: {
      server: `http://127.0.0.1:${port}`,
      insecure: false,
      token: async () => 'token-of-now',
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const id = { group: '', kind: 'ConfigMap', namespace: 'n', name: 'x' }
const resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
}
const object = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } })

describe('createKubeCluster against a failing API server', () => {
  it('F31: waits as long as a busy server asks, then asks again', async () => {
    let calls = 0
    await using server = await startServer((request, response) => {
      assert.equal(request.headers.authorization, 'Bearer token-of-now')
      calls += 1
      if (calls === 1) response.writeHead(429, { 'retry-after': '7' }).end()
      else response.end(object)
    })
    const clock = createManualClock()
    const cluster = createKubeCluster(server.connection, { clock, random: () => 0.5 })
    const answer = cluster.get(resource, id, never)
    await until(() => clock.sleeping === 1, { deadlineMs: 5_000, what: 'the first answer' })
    await clock.advance(6_999)
    assert.equal(calls, 1)
    await clock.advance(1)
    assert.equal((await answer)?.metadata.name, 'x')
    await cluster.close()
  })

  it('F31: gives up after a few tries and says what the server said', async () => {
    let calls = 0
    await using server = await startServer((_request, response) => {
      calls += 1
      response.writeHead(503).end('{"message":"etcd has no leader"}')
    })
    const clock = { now: () => 0, sleep: async () => {} }
    const cluster = createKubeCluster(server.connection, { clock })
    await assert.rejects(cluster.get(resource, id, never), {
      code: 'cluster_unreachable',
      message: /etcd has no leader/,
    })
    assert.equal(calls, 4)
    // Nor does it say anything of what was to be written.
    const options = { fieldManager: 'groundswell', force: true }
    await assert.rejects(cluster.apply(resource, id, object, options, never), {
      code: 'cluster_unreachable',
      message: /etcd has no leader/,
    })
    await cluster.close()
  })

  it('F31: asks again for an answer that was cut off half-way, and believes no half of one', async () => {
    let calls = 0
    await using server = await startServer((_request, response) => {
      calls += 1
      if (calls > 2) return void response.end(object)
      response.writeHead(200, { 'content-length': String(object.length) })
      response.write(object.slice(0, object.length / 2), () => response.destroy())
    })
    const clock = { now: () => 0, sleep: async () => {} }
    const cluster = createKubeCluster(server.connection, { clock })
    assert.equal((await cluster.get(resource, id, never))?.metadata.name, 'x')
    assert.equal(calls, 3)
    await cluster.close()
  })

  it('F35: does not repeat what a webhook refused, and says who did', async () => {
    let calls = 0
    await using server = await startServer((_request, response) => {
      calls += 1
      response.writeHead(500).end('{"message":"failed calling webhook \\"w\\": refused"}')
    })
    const cluster = createKubeCluster(server.connection)
    const options = { fieldManager: 'groundswell', force: true }
    await assert.rejects(cluster.apply(resource, id, object, options, never), {
      code: 'apply_failed',
      message: /webhook "w"/,
    })
    assert.equal(calls, 1)
    await cluster.close()
  })

  it('F35: takes a 409 of a webhook for a refusal, and for gone only what bears another uid', async () => {
    let uid = 'ours'
    await using server = await startServer((request, response) => {
      const live = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', uid } }
      if (request.method === 'GET') return void response.end(JSON.stringify(live))
      response.writeHead(409).end('{"message":"admission webhook \\"w\\" denied: in use"}')
    })
    const cluster = createKubeCluster(server.connection)
    const marks = { labels: ['ours'], annotations: [] }
    await assert.rejects(cluster.delete(resource, id, 'ours', never), {
      code: 'prune_failed',
      message: /denied: in use/,
    })
    await assert.rejects(cluster.disown(resource, id, 'ours', marks, never), {
      code: 'apply_conflict',
    })
    uid = 'of its successor'
    assert.equal(await cluster.delete(resource, id, 'ours', never), undefined)
    await cluster.disown(resource, id, 'ours', marks, never)
    await cluster.close()
  })

  it('I4: asks before each try of a write whether another agent has come, and before no read', async () => {
    const methods: string[] = []
    let [asked, mine] = [0, true]
    await using server = await startServer((request, response) => {
      methods.push(request.method ?? '')
      if (request.method === 'DELETE') {
        // The answer is lost, and with it this agent's turn.
        mine = false
        response.destroy()
      } else response.end(object)
    })
    const cluster = createKubeCluster(server.connection, {
      clock: { now: () => 0, sleep: async () => {} },
      async mayWrite() {
        asked += 1
        if (!mine) throw new AgentError('another_agent', 'another agent has taken over')
      },
    })
    await cluster.get(resource, id, never)
    assert.equal(asked, 0)
    await assert.rejects(cluster.delete(resource, id, 'uid', never), { code: 'another_agent' })
    assert.deepEqual([asked, methods], [2, ['GET', 'DELETE']])
    await cluster.close()
  })

  it('F31: says cluster_unreachable when nobody answers', async () => {
    const connection = {
      server: 'http://127.0.0.1:9',
      insecure: false,
      token: async () => undefined,
    }
    const clock = { now: () => 0, sleep: async () => {} }
    const cluster = createKubeCluster(connection, { clock })
    await assert.rejects(cluster.uid(never), { code: 'cluster_unreachable' })
    await cluster.close()
  })

  it('F31: says cluster_unreachable when an answer does not come in time, and the reason when it is called off', async () => {
    const server = createMuteServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = createApiClient({
      server: `http://127.0.0.1:${port}`,
      insecure: false,
      token: async () => undefined,
    })
    const ask = (signal: AbortSignal) => client.send({ method: 'GET', path: '/version', signal })
    await assert.rejects(ask(AbortSignal.timeout(50)), {
      code: 'cluster_unreachable',
      message: 'API server: it did not answer in time',
    })
    const reason = new Error('no longer wanted')
    await assert.rejects(ask(AbortSignal.abort(reason)), reason)
    const cluster = createKubeCluster({
      server: 'http://127.0.0.1:9',
      insecure: false,
      token: async () => undefined,
    })
    await assert.rejects(
      cluster.get(resource, id, AbortSignal.timeout(100)),
      { code: 'cluster_unreachable' },
      'a deadline between two tries',
    )
    await cluster.close()
    await client.close()
    server.close()
  })

  it('keeps its connection from one request to the next', async () => {
    const ports = new Set<number | undefined>()
    await using server = await startServer((request, response) => {
      ports.add(request.socket.remotePort)
      response.end(object)
    })
    const cluster = createKubeCluster(server.connection)
    for (let n = 0; n < 20; n += 1) await cluster.get(resource, id, never)
    // The pool may open a second one while the first is being freed.
    assert.ok(ports.size <= 2, `${ports.size} connections`)
    await cluster.close()
  })

  it('takes turns with others of its kind on the same connections, and leaves them theirs', async () => {
    const ports = new Set<number | undefined>()
    await using server = await startServer((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('{}')
    })
    const clients = [1, 2, 3].map(() => createApiClient(server.connection, { shares: true }))
    const ask = (client: (typeof clients)[number]) =>
      client.send({ method: 'GET', path: '/', signal: never })
    for (let n = 0; n < 12; n += 1) await ask(clients[n % 3]!)
    assert.ok(ports.size <= 2, `${ports.size} connections`)
    const [first, second, third] = clients as [ApiClient, ApiClient, ApiClient]
    await first.close()
    await first.close()
    await assert.rejects(ask(first), { code: 'cluster_unreachable' })
    assert.equal((await ask(second)).status, 200)
    await second.close()
    assert.equal((await ask(third)).status, 200)
    await third.close()
    // One that comes later begins anew.
    const later = createApiClient(server.connection, { shares: true })
    assert.equal((await ask(later)).status, 200)
    await later.close()
  })

  it('ends what is in flight and what waits for a connection when it is closed', async () => {
    let asked = 0
    await using server = await startServer(() => {
      asked += 1
    })
    const client = createApiClient(server.connection)
    const answers = Array.from({ length: 20 }, () =>
      client.send({ method: 'GET', path: '/', signal: never }),
    )
    const ended = Promise.allSettled(answers)
    await until(() => asked === 16, { deadlineMs: 5_000, what: 'as many as go at once' })
    await client.close()
    for (const { status } of await ended) assert.equal(status, 'rejected')
    await assert.rejects(client.send({ method: 'GET', path: '/', signal: never }), {
      code: 'cluster_unreachable',
      message: /the client was closed/,
    })
  })

  it('says how long every body is, also of a method that seldom has one', async () => {
    const seen: unknown[] = []
    await using server = await startServer(async (request, response) => {
      const { 'content-length': length, 'transfer-encoding': coding } = request.headers
      seen.push([request.method, length, coding, await text(request)])
      response.end()
    })
    const client = createApiClient(server.connection)
    for (const method of ['DELETE', 'PATCH'] as const) {
      await client.send({ method, path: '/', body: '{"ä":1}', signal: never })
    }
    assert.deepEqual(seen, [
      ['DELETE', '8', undefined, '{"ä":1}'],
      ['PATCH', '8', undefined, '{"ä":1}'],
    ])
    await client.close()
  })

  it('leaves a server that takes connections and never greets', async () => {
    const mute = createMuteServer((socket) => socket.resume()).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const server = `https://127.0.0.1:${port}`
    const connection = { server, insecure: true, token: async () => undefined }
    const client = createApiClient(connection, { connectMs: 200 })
    await assert.rejects(client.send({ method: 'GET', path: '/', signal: never }), {
      code: 'cluster_unreachable',
      message: /no connection within 200 ms/,
    })
    await client.close()
    await new Promise((resolve) => mute.close(resolve))
  })

  it('F54: leaves a watch that has fallen silent', async () => {
    await using server = await startServer((_request, response) => {
      response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n')
    })
    const client = createApiClient(server.connection)
    const lines: string[] = []
    const read = async () => {
      for await (const line of client.lines('/watch', 200, never)) lines.push(line)
    }
    await assert.rejects(read(), { code: 'cluster_unreachable', message: /silent for 200 ms/ })
    assert.equal(lines.length, 1)
    await client.close()
  })

  it('ends a watch with its signal', async () => {
    await using server = await startServer((_request, response) => {
      response.write('{"a":1}\n')
    })
    const client = createApiClient(server.connection)
    const stop = new AbortController()
    const read = async () => {
      for await (const _ of client.lines('/watch', 60_000, stop.signal)) stop.abort()
    }
    await assert.rejects(read(), { name: 'AbortError' })
    await client.close()
  })
})
