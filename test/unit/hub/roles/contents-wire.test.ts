import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import fc from 'fast-check'
import type { Contents } from '../../../../hub/render/contents.ts'
import { formatContents, parseContents } from '../../../../hub/roles/contents-wire.ts'

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const content = fc.record(
  {
    digest: fc.nat(3).map((n) => digestOf(String(n))),
    size: fc.nat(2),
    revision: fc.constantFrom('main@sha1:1', 'main@sha1:2'),
  },
  { noNullPrototype: true },
)
const faults = fc.array(
  fc.record(
    { message: fc.string(), file: fc.string(), line: fc.nat(), cluster: fc.string() },
    { requiredKeys: ['message'], noNullPrototype: true },
  ),
)
const contents: fc.Arbitrary<Contents> = fc.record(
  {
    applications: fc
      .uniqueArray(
        fc.tuple(name, fc.uniqueArray(fc.tuple(name, content), { selector: ([key]) => key })),
        {
          selector: ([key]) => key,
        },
      )
      .map((list) => new Map(list.map(([key, clusters]) => [key, new Map(clusters)]))),
    skipped: fc
      .uniqueArray(fc.tuple(name, fc.uniqueArray(name)), { selector: ([key]) => key })
      .map((list) => new Map(list.map(([key, clusters]) => [key, new Set(clusters)]))),
    faults,
    warnings: faults,
    againMs: fc.nat(),
    fingerprints: fc
      .uniqueArray(fc.nat(3))
      .map((some) => new Map(some.map((n) => [digestOf(String(n)), `of ${n}`]))),
  },
  {
    requiredKeys: ['applications', 'skipped', 'faults', 'warnings', 'fingerprints'],
    noNullPrototype: true,
  },
)

test('contents arrive as they were sent', () => {
  fc.assert(
    fc.property(contents, (made) => {
      const arrived = parseContents(JSON.parse(JSON.stringify(formatContents(made))))
      const there = [...made.applications.values()].flatMap((mine) =>
        [...mine.values()].map(({ digest }) => digest),
      )
      const fingerprints = new Map([...made.fingerprints!].filter(([one]) => there.includes(one)))
      assert.deepEqual(arrived, { ...made, fingerprints })
    }),
  )
})

test('a content of a thousand clusters travels once', () => {
  const one = { digest: digestOf('x'), size: 10, revision: 'main@sha1:1' }
  const clusters = new Map(Array.from({ length: 1_000 }, (_, at) => [`c${at}`, one]))
  const made = {
    applications: new Map([['web', clusters]]),
    skipped: new Map(),
    ...{ faults: [], warnings: [] },
  }
  assert.equal(formatContents(made).applications[0]!.contents.length, 1)
  assert.ok(JSON.stringify(formatContents(made)).length < 10_000)
})
