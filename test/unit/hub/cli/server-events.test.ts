import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type ServerEvent, readServerEvents } from '../../../../hub/cli/server-events.ts'

async function read(chunks: Uint8Array[]): Promise<ServerEvent[]> {
  async function* body() {
    yield* chunks
  }
  const events: ServerEvent[] = []
  for await (const event of readServerEvents(body())) events.push(event)
  return events
}

describe('readServerEvents', () => {
  it('gives the data of each event and skips comments, ids and retry', async () => {
    const text =
      'retry: 1\n\n: alive\n\nid: 1\ndata: {"a":1}\n\nid: 2\ndata: x\ndata:y\n\ndata: cut'
    assert.deepEqual(await read([Buffer.from(text)]), [
      { name: 'message', data: '{"a":1}' },
      { name: 'message', data: 'x\ny' },
    ])
  })

  it('gives an event its own name only', async () => {
    const text = 'event: gap\ndata: 1\n\ndata: 2\n\n'
    assert.deepEqual(await read([Buffer.from(text)]), [
      { name: 'gap', data: '1' },
      { name: 'message', data: '2' },
    ])
  })

  it('reads the same wherever the chunks are cut, in any line ending', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ minLength: 1 }).filter((text) => !/[\r\n]|^ /.test(text)),
          {
            maxLength: 5,
          },
        ),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 9 }),
        async (data, end, size) => {
          const bytes = Buffer.from(data.map((one) => `data: ${one}${end}${end}`).join(''))
          const chunks: Uint8Array[] = []
          for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.subarray(i, i + size))
          assert.deepEqual(
            await read(chunks),
            data.map((one) => ({ name: 'message', data: one.toWellFormed() })),
          )
        },
      ),
    )
  })

  it('gives up on a line without end', async () => {
    const chunk = Buffer.alloc(600 * 1024, 'x')
    await assert.rejects(read([chunk, chunk]), /too long/)
  })
})
