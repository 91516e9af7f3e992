import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { decodeCursor, encodeCursor, takePage } from '../../../../hub/api/page.ts'

const keyOf = (name: string) => name

describe('takePage', () => {
  it('walks every item exactly once, whatever the page size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (names, limit) => {
          const all = names.toSorted()
          const seen: string[] = []
          let cursor: string | undefined
          do {
            const after = decodeCursor('x', cursor)
            const rest = all.filter((name) => after === null || name > after)
            const page = await takePage(rest, { limit, kind: 'x', keyOf })
            assert(page.items.length <= limit)
            seen.push(...page.items)
            cursor = page.continue ?? undefined
          } while (cursor !== undefined)
          assert.deepEqual(seen, all)
        },
      ),
    )
  })

  it('reads one item past the page and no further', async () => {
    let read = 0
    function* endless() {
      for (;;) yield String(read++)
    }
    const page = await takePage(endless(), { limit: 5, kind: 'x', keyOf })
    assert.equal(page.items.length, 5)
    assert.equal(read, 6)
  })

  it('does not promise a next page that would be empty', async () => {
    const keep = (name: string) => name < 'c'
    const page = await takePage(['a', 'b', 'c', 'd'], { limit: 2, kind: 'x', keyOf, keep })
    assert.deepEqual(page, { items: ['a', 'b'], continue: null })
  })
})

describe('decodeCursor', () => {
  it('refuses the cursor of another list', () => {
    assert.throws(() => decodeCursor('group', encodeCursor('cluster', 'a')), { code: 'invalid' })
  })

  for (const forged of [
    '',
    '!!!',
    'AAAA',
    encodeCursor('cluster', ''),
    encodeCursor('cluster', '../x'),
  ])
    it(`refuses ${JSON.stringify(forged)}`, () => {
      assert.throws(() => decodeCursor('cluster', forged), { code: 'invalid' })
    })
})
