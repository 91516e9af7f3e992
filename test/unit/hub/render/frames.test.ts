import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createFrameReader, encodeFrame } from '../../../../hub/render/frames.ts'

test('frames come out as they went in, however the bytes are cut', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 })
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 })
  fc.assert(
    fc.property(bodies, cuts, (given, sizes) => {
      const bytes = Buffer.concat(given.map(encodeFrame))
      const reader = createFrameReader(300)
      const found: Uint8Array[] = []
      for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
        const next = at + (sizes[cut % sizes.length] ?? 1)
        found.push(...reader.push(bytes.subarray(at, next)))
        at = next
      }
      assert.deepEqual(
        found.map((body) => Buffer.from(body).toString('hex')),
        given.map((body) => Buffer.from(body).toString('hex')),
      )
    }),
  )
})

test('text is framed as its UTF-8 is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      assert.deepEqual(
        Buffer.from(encodeFrame(text)).toString('hex'),
        Buffer.from(encodeFrame(new TextEncoder().encode(text))).toString('hex'),
      )
    }),
  )
})

test('a frame over the bound is refused by its announcement alone', () => {
  const reader = createFrameReader(1000)
  assert.throws(() => reader.push(encodeFrame(new Uint8Array(1001)).subarray(0, 4)), RangeError)
})
