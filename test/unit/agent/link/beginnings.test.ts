import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { createBeginnings } from '../../../../agent/link/beginnings.ts'

const digest = digestOf('blob')
const bytes = Buffer.from('begin')

test('gives a beginning out once, and only for the size that was declared', () => {
  const beginnings = createBeginnings()
  beginnings.keep(digest, { size: 9, bytes })
  assert.deepEqual(beginnings.take(digest, undefined)?.bytes, new Uint8Array(bytes))
  assert.equal(beginnings.take(digest, 9), undefined)
  beginnings.keep(digest, { size: 9, bytes })
  assert.equal(beginnings.take(digest, 8), undefined)
  assert.equal(beginnings.take(digest, 9), undefined)
})

test('never holds more than it may, and the newest for longest', () => {
  const kept = fc.array(fc.record({ name: fc.nat(9), length: fc.nat(60) }), { maxLength: 60 })
  fc.assert(
    fc.property(kept, (list) => {
      const beginnings = createBeginnings(100)
      for (const { name, length } of list) {
        beginnings.keep(digestOf(`${name}`), { size: 99, bytes: Buffer.alloc(length) })
      }
      const last = list.findLast(({ length }) => length > 0)
      const names: Digest[] = Array.from({ length: 10 }, (_, name) => digestOf(`${name}`))
      const held = new Map(names.map((name) => [name, beginnings.take(name, 99)]))
      const sum = [...held.values()].reduce((all, one) => all + (one?.bytes.byteLength ?? 0), 0)
      assert.ok(sum <= 100, `${sum}`)
      // What was kept last under its name is there, unless nothing came of it the last time.
      const newest = last && list.findLast(({ name }) => name === last.name)
      if (last && newest === last) assert.ok(held.get(digestOf(`${last.name}`)))
    }),
  )
})
