import assert from 'node:assert/strict'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startApi, type TestApi } from '../support/api.ts'
import { until } from '../support/until.ts'

const megabyte = 1024 * 1024
const path = '/api/v1/webhooks/fleet'

/* Each of these is sent by somebody without a secret, before anything was judged. */
describe('B64: webhooks that are meant to wear the hub down', () => {
  let world: TestApi
  let port: number
  before(async () => {
    world = await startApi(10_000, 400)
    await world.api.listen({ host: '127.0.0.1', port: 0 })
    port = (world.api.server.address() as AddressInfo).port
  })
  after(async () => world[Symbol.asyncDispose]())

  /** A connection of our own making, and what came back on it. */
  function dial(to = port) {
    const socket = connect(to, '127.0.0.1')
    const state = { text: '', closed: false }
    socket.on('data', (bytes) => (state.text += bytes.toString()))
    socket.on('close', () => (state.closed = true))
    // The hub hangs up on us: that is what is tested.
    socket.on('error', () => {})
    return { socket, state }
  }

  const headers = (more: string) =>
    `POST ${path} HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n${more}\r\n\r\n`

  async function pour(socket: Socket, bytes: Buffer, isDone: () => boolean): Promise<number> {
    let sent = 0
    while (!isDone() && sent < 64 * megabyte) {
      const more = socket.write(bytes)
      sent += bytes.length
      await new Promise<void>((resolve) => {
        if (more) setImmediate(resolve)
        else {
          socket.once('drain', resolve)
          socket.once('close', () => resolve())
        }
      })
    }
    return sent
  }

  const isRefused = (text: string) =>
    text.startsWith('HTTP/1.1 413 ') && text.includes('The body is too large')

  test('a body of 50 MB is refused by its length, and not read', async () => {
    const { socket, state } = dial()
    socket.write(headers(`content-length: ${50 * megabyte}`))
    await until(() => isRefused(state.text), { deadlineMs: 5_000, what: 'the refusal' })
    socket.destroy()
  })

  test('chunks without end are refused at the limit, and the connection is closed', async () => {
    const { socket, state } = dial()
    socket.write(headers('transfer-encoding: chunked'))
    const chunk = Buffer.concat([
      Buffer.from('10000\r\n'),
      Buffer.alloc(0x10000, 'x'),
      Buffer.from('\r\n'),
    ])
    const before = process.memoryUsage().rss
    const sent = await pour(socket, chunk, () => state.closed || isRefused(state.text))
    await until(() => state.closed || isRefused(state.text), {
      deadlineMs: 5_000,
      what: 'the end of it',
    })
    assert.ok(sent < 32 * megabyte, `${sent} bytes were taken`)
    assert.ok(process.memoryUsage().rss - before < 128 * megabyte)
    socket.destroy()
  })

  test('a gzip bomb stays as small as it came: what is judged are the bytes', async () => {
    const bomb = gzipSync(Buffer.alloc(160 * megabyte))
    assert.ok(bomb.length < megabyte)
    const seen: number[] = []
    const webhook = world.hub.webhook.bind(world.hub)
    world.hub.webhook = async (name, given, body) => {
      seen.push(body.byteLength)
      return webhook(name, given, body)
    }
    const before = process.memoryUsage().rss
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
      body: bomb,
    })
    assert.ok(answer.status < 500, String(answer.status))
    assert.deepEqual(seen, [bomb.length])
    assert.ok(process.memoryUsage().rss - before < 128 * megabyte)
  })

  test('a byte now and then has until the deadline; others are answered meanwhile', async () => {
    const slow = Array.from({ length: 50 }, () => dial())
    for (const { socket } of slow) socket.write(headers('content-length: 1000'))
    const answer = await fetch(`http://127.0.0.1:${port}/livez`)
    assert.equal(answer.status, 200)
    const isOver = () => {
      slow.forEach(({ socket }) => socket.write('x'))
      return slow.every(({ state }) => state.closed)
    }
    await until(isOver, { deadlineMs: 5_000, what: 'the hub to hang up on those who are slow' })
    for (const { state } of slow) assert.match(state.text, /^(HTTP\/1\.1 4(00|08) |$)/)
  })

  test('bodies that do not end are held no more of than 64, whoever sends them', async () => {
    await using patient = await startApi(10_000, 30_000)
    await patient.api.listen({ host: '127.0.0.1', port: 0 })
    const { port } = patient.api.server.address() as AddressInfo
    const slow = Array.from({ length: 100 }, () => dial(port))
    for (const { socket } of slow) socket.write(`${headers('content-length: 1000')}x`)
    const refused = () => slow.filter(({ state }) => state.text.startsWith('HTTP/1.1 429 '))
    await until(() => refused().length === 100 - 64, { deadlineMs: 10_000, what: 'refusals' })
    for (const { socket } of slow) socket.destroy()
    await until(
      async () => {
        const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST' })
        return status !== 429
      },
      { deadlineMs: 5_000, what: 'room for others' },
    )
  })

  test('connections are bounded: each is a file that agents may need', () => {
    assert.equal(world.api.server.maxConnections, 5_000)
  })
})
