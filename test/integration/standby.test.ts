import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { it } from 'node:test'
import { serveStandby } from '../../hub/replica/http.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

/** What a leader reads of a call that came to a replica which stands by. */
async function passOn(call: string): Promise<string> {
  let read = ''
  const leader = createServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => (read += bytes.toString('latin1')))
  })
  leader.listen(0, '127.0.0.1')
  await once(leader, 'listening')
  const { port: at } = leader.address() as AddressInfo
  const port = await freePort()
  const stop = await serveStandby('127.0.0.1', port, {
    ...{ leader: () => 'a', up: () => true, relayed: () => 0 },
    connect: async () => connect(at, '127.0.0.1'),
  })
  const caller = connect(port, '127.0.0.1')
  caller.on('error', () => {})
  try {
    caller.write(call)
    await until(() => read.includes('END'), { deadlineMs: 5_000, what: 'the end of the body' })
    return read
  } finally {
    caller.destroy()
    await stop()
    leader.close()
  }
}

it('T36: a body without a length is passed on in its frame, and is never read as another call', async () => {
  const hidden = 'DELETE /api/v1/tokens/x HTTP/1.1\r\nhost: h\r\nx: END\r\n\r\n'
  const size = hidden.length.toString(16)
  for (const method of ['GET', 'DELETE', 'POST']) {
    const read = await passOn(
      `${method} /api/v1/clusters HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n${hidden}\r\n0\r\n\r\n`,
    )
    const [head = '', ...rest] = read.split('\r\n\r\n')
    assert.match(head, /^transfer-encoding: chunked$/im, method)
    assert.ok(rest.join('\r\n\r\n').startsWith(`${size}\r\n${hidden}`), method)
  }
})

it('a body with its length is passed on as it came', async () => {
  const read = await passOn('POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nEND')
  assert.match(read, /^content-length: 3$/im)
  assert.doesNotMatch(read, /transfer-encoding/i)
  assert.ok(read.endsWith('\r\n\r\nEND'))
})

it('T36: two authorizations are passed on as two, and hop by hop headers not at all', async () => {
  const read = await passOn(
    'POST /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\nTE: x\r\nContent-Length: 3\r\n\r\nEND',
  )
  const given = [...read.matchAll(/^authorization: (.*)$/gim)].map(([, value]) => value)
  assert.deepEqual(given, ['Bearer a', 'Bearer b'])
  assert.doesNotMatch(read, /^te:/im)
  assert.match(read, /^host: h$/im)
})

it('a call without a body is passed on as one, not as one in a frame', async () => {
  const read = await passOn('POST /x HTTP/1.1\r\nhost: h\r\nx: END\r\n\r\n')
  assert.doesNotMatch(read, /transfer-encoding/i)
  assert.match(read, /^content-length: 0$/im)
})
