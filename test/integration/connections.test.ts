import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { boundConnections } from '../../hub/connections.ts'
import { until } from '../support/until.ts'

describe('connections of an HTTP server that are held open', () => {
  let server: ReturnType<typeof createServer>
  let port: number
  let open: Socket[]

  beforeEach(async () => {
    open = []
    server = createServer((_, answer) => void answer.end('ok'))
    boundConnections(server, 10)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterEach(() => {
    for (const socket of open) socket.destroy()
    server.close()
    server.closeAllConnections()
  })

  /** What comes of a call from one of this machine's own addresses. */
  async function ask(localAddress: string): Promise<'answered' | 'turned away'> {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    open.push(socket)
    const state = { text: '', closed: false }
    socket.on('error', () => {})
    socket.on('data', (bytes) => (state.text += bytes.toString()))
    socket.on('close', () => (state.closed = true))
    socket.write('GET / HTTP/1.1\r\nhost: hub\r\n\r\n')
    await until(() => state.text !== '' || state.closed, { deadlineMs: 5_000, what: 'an answer' })
    return state.text.startsWith('HTTP/1.1 200 ') ? 'answered' : 'turned away'
  }

  test('of one address leave some to others, such as the probe that the process lives by', async () => {
    for (let held = 0; held < 8; held += 1) assert.equal(await ask('127.0.0.1'), 'answered')
    assert.equal(await ask('127.0.0.1'), 'turned away')
    assert.equal(await ask('127.0.0.2'), 'answered')
    open[0]!.destroy()
    await until(async () => (await ask('127.0.0.1')) === 'answered', {
      deadlineMs: 5_000,
      what: 'room for one more',
    })
  })

  test('of all addresses are bounded', async () => {
    for (let held = 0; held < 5; held += 1) {
      assert.equal(await ask('127.0.0.1'), 'answered')
      assert.equal(await ask('127.0.0.2'), 'answered')
    }
    assert.equal(await ask('127.0.0.3'), 'turned away')
  })
})
