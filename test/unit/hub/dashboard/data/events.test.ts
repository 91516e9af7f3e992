import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createEventParser } from '../../../../../hub/dashboard/data/events.ts'

describe('the stream of events', () => {
  it('gives what has come whole, and leaves comments and retries out', () => {
    const parser = createEventParser()
    assert.deepEqual(parser.take('retry: 2000\n\n: alive\n\nid: 1-0\ndata: {"a":'), [])
    assert.deepEqual(parser.take('1}\n\nid: 2-0\ndata: x\n\n'), [
      { name: '', id: '1-0', data: '{"a":1}' },
      { name: '', id: '2-0', data: 'x' },
    ])
  })

  it('names a gap', () => {
    assert.deepEqual(createEventParser().take('event: gap\ndata: {}\n\nid: 1-0\ndata: x\n\n'), [
      { name: 'gap', id: '', data: '{}' },
      { name: '', id: '1-0', data: 'x' },
    ])
  })

  it('is the same however it is cut', () => {
    const event = fc.record(
      {
        id: fc.stringMatching(/^[0-9]{1,9}-[0-9]$/),
        data: fc.stringMatching(/^[!-~][ -~]{0,40}$/),
      },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(
        fc.array(event),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (events, cuts) => {
          const text = events
            .map(({ id, data }) => `id: ${id}\ndata: ${data}\n\n: alive\n\n`)
            .join('')
          const parser = createEventParser()
          const found = []
          for (let at = 0; at < text.length;) {
            const size = cuts.next().value
            found.push(...parser.take(text.slice(at, at + size)))
            at += size
          }
          assert.deepEqual(
            found,
            events.map((one) => ({ name: '', ...one })),
          )
        },
      ),
    )
  })
})
