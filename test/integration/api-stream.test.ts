import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import type { EventView } from '../../hub/api/views.ts'
import { describeGap } from '../../hub/status/event.ts'
import { startApi } from '../support/api.ts'
import { skipEvents } from '../support/skip-events.ts'
import { until } from '../support/until.ts'

interface Stream {
  readonly status: number
  readonly headers: Headers
  /** All text so far. */
  readonly text: () => string
  readonly ended: () => boolean
  readonly close: () => void
}

async function open(
  origin: string,
  headers: Record<string, string> = {},
  query = '',
): Promise<Stream> {
  const stop = new AbortController()
  const response = await fetch(`${origin}/api/v1/events/stream${query}`, {
    headers: { authorization: 'Bearer viewer', ...headers },
    signal: stop.signal,
  })
  let text = ''
  let ended = false
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  })()
    .catch(() => undefined)
    .finally(() => (ended = true))
  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    ended: () => ended,
    close: () => stop.abort(),
  }
}

const ids = (stream: Stream) => [...stream.text().matchAll(/^id: (.*)$/gm)].map((one) => one[1])
const received = (stream: Stream) =>
  [...stream.text().matchAll(/^data: (.*)$/gm)].map((one) => JSON.parse(one[1]!) as EventView)
const within = (what: string) => ({ deadlineMs: 5_000, what })
const listen = (api: Awaited<ReturnType<typeof startApi>>['api']) =>
  api.listen({ host: '127.0.0.1', port: 0 })

describe('the event stream', () => {
  it('sends what happens from now on, whole and in order', async () => {
    await using test = await startApi()
    test.hub.emit({ type: 'old', message: 'before' })
    const stream = await open(await listen(test.api))
    assert.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    assert.equal(stream.headers.get('x-accel-buffering'), 'no')
    await until(() => test.hub.subscribers === 1, within('the subscription'))
    const sent = ['a\nid: 99\n\ndata: forged', 'b'].map((message) =>
      test.hub.emit({ type: 'x', message }),
    )
    await until(() => received(stream).length === 2, within('two events'))
    assert.deepEqual(received(stream), sent)
    assert.deepEqual(ids(stream), ['2', '3'])
    stream.close()
  })

  it('says first, by an event named gap and without an id, that events after Last-Event-ID are gone', async () => {
    await using test = await startApi()
    const gap = describeGap('1', '3')
    skipEvents(test.hub).skip(gap)
    test.hub.emit({ type: 'x', message: 'a' })
    const stream = await open(await listen(test.api), { 'last-event-id': '0' })
    await until(() => received(stream).length === 2, within('the gap and an event'))
    assert.ok(stream.text().includes(`\n\nevent: gap\ndata: ${JSON.stringify(gap)}\n\nid: 1\n`))
    stream.close()
  })

  it('replays what came after Last-Event-ID, then goes on, without gap or repetition', async () => {
    await using test = await startApi()
    for (let i = 0; i < 5; i++) test.hub.emit({ type: 'x', message: String(i) })
    const origin = await listen(test.api)
    for (const stream of [
      await open(origin, { 'last-event-id': '2' }),
      await open(origin, {}, '?after=2'),
      await open(origin, { 'last-event-id': '2' }, '?after=4'),
    ]) {
      await until(() => ids(stream).includes('5'), within('the replay'))
      assert.deepEqual(ids(stream).slice(0, 3), ['3', '4', '5'])
      const { id } = test.hub.emit({ type: 'x', message: 'live' })
      await until(() => ids(stream).includes(id), within('the live event'))
      assert.equal(new Set(ids(stream)).size, ids(stream).length)
      stream.close()
    }
  })

  it('refuses a resume id that is not one of ours, and callers without a token', async () => {
    await using test = await startApi()
    const origin = await listen(test.api)
    for (const id of ['x', '1;2', '-1', '1'.repeat(40)]) {
      assert.equal((await open(origin, { 'last-event-id': id })).status, 400, id)
    }
    assert.equal((await open(origin, { authorization: 'Bearer nope' })).status, 401)
    assert.equal(test.hub.subscribers, 0)
  })

  it('keeps itself open with comments', async () => {
    await using test = await startApi(20)
    const stream = await open(await listen(test.api))
    await until(() => stream.text().includes(': alive\n\n'), within('a heartbeat'))
    assert.deepEqual(received(stream), [])
    stream.close()
  })

  it('lets go of the subscription when the client leaves', async () => {
    await using test = await startApi()
    const stream = await open(await listen(test.api))
    await until(() => test.hub.subscribers === 1, within('the subscription'))
    stream.close()
    await until(() => test.hub.subscribers === 0, within('its end'))
  })

  it('ends when the token no longer holds', async () => {
    await using test = await startApi(20)
    const stream = await open(await listen(test.api))
    await until(() => test.hub.subscribers === 1, within('the subscription'))
    test.revoked.add('viewer')
    await until(stream.ended, within('the end of the stream'))
    assert.equal(test.hub.subscribers, 0)
  })

  it('caps the streams of one actor', async () => {
    await using test = await startApi()
    const origin = await listen(test.api)
    const streams = await Promise.all(Array.from({ length: 32 }, () => open(origin)))
    assert.equal((await open(origin)).status, 429)
    assert.equal((await open(origin, { authorization: 'Bearer operator' })).status, 200)
    streams[0]!.close()
    await until(async () => {
      const retry = await open(origin)
      retry.close()
      return retry.status === 200
    }, within('a free place'))
  })

  it('serves a thousand listeners, each of whom gets each event once and in order', async () => {
    await using test = await startApi()
    const { port } = new URL(await listen(test.api))
    const listeners = 1_000
    for (let i = 0; i < listeners / 25; i++) {
      test.callers.set(`c${i}`, { actor: `c${i}`, role: 'viewer' })
    }
    const texts = Array.from({ length: listeners }, () => '')
    const sockets = texts.map((_, at) => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.setEncoding('utf8').on('data', (text: string) => (texts[at] += text))
      socket.write(
        `GET /api/v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer c${at % (listeners / 25)}\r\n\r\n`,
      )
      return socket
    })
    const all = { deadlineMs: 30_000, what: 'a thousand subscriptions' }
    await until(() => test.hub.subscribers === listeners, all)
    const sent = Array.from({ length: 20 }, () => test.hub.emit({ type: 'x', message: 'y' }).id)
    const got = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map((one) => one[1])
    const last = sent.at(-1)!
    await until(() => texts.every((text) => text.includes(`id: ${last}\n`)), {
      ...{ deadlineMs: 30_000, what: 'the last event everywhere' },
    })
    for (const text of texts) assert.deepEqual(got(text), sent)
    for (const socket of sockets) socket.destroy()
    await until(() => test.hub.subscribers === 0, within('all to be gone'))
  })

  it('does not keep the server from closing', async () => {
    const test = await startApi()
    const stream = await open(await listen(test.api))
    await until(() => test.hub.subscribers === 1, within('the subscription'))
    await test.api.close()
    await until(stream.ended, within('the end of the stream'))
  })

  it('does not wait for a connection that never asked anything', async () => {
    const test = await startApi()
    const { port } = new URL(await listen(test.api))
    const socket = connect(Number(port), '127.0.0.1')
    await once(socket, 'connect')
    const started = performance.now()
    await test.api.close()
    assert(performance.now() - started < 5_000)
    socket.destroy()
  })
})
