import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createPresence } from '../../../../hub/bundle/presence.ts'

test('those who ask in one moment are one question, and the next moment is another', async () => {
  const [a, b, c] = ['a', 'b', 'c'].map(digestOf) as [never, never, never]
  const questions: unknown[] = []
  const isStored = createPresence({
    missing: async (digests) => {
      questions.push(digests)
      return digests.filter((digest) => digest === b)
    },
  })
  assert.deepEqual(await Promise.all([isStored(a), isStored(b), isStored(a)]), [true, false, true])
  assert.equal(await isStored(c), true)
  assert.deepEqual(questions, [[a, b], [c]])
})

test('a store that fails fails all who asked, and nobody after them', async () => {
  let fails = true
  const isStored = createPresence({
    missing: async () => {
      if (fails) throw new Error('away')
      return []
    },
  })
  const a = digestOf('a')
  await assert.rejects(Promise.all([isStored(a), isStored(a)]), /away/)
  fails = false
  assert.equal(await isStored(a), true)
})
