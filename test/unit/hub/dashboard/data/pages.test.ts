import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mostPages, readFirstPages } from '../../../../../hub/dashboard/data/pages.ts'

describe('the first pages of a list', () => {
  /** Pages of one item, and what was asked for. */
  function listOf(size: number) {
    const asked: (string | undefined)[] = []
    const load = async (after: string | undefined) => {
      asked.push(after)
      const at = Number(after ?? 0)
      return { items: [at], continue: at + 1 < size ? String(at + 1) : null }
    }
    return { asked, load }
  }

  it('are read one after the other, and no more than were asked for', async () => {
    const { asked, load } = listOf(9)
    assert.deepEqual(await readFirstPages(2, load), { items: [0, 1], more: true })
    assert.deepEqual(asked, [undefined, '1'])
  })

  it('end where the list ends', async () => {
    const { load } = listOf(2)
    assert.deepEqual(await readFirstPages(5, load), { items: [0, 1], more: false })
  })

  it('are bounded, and then no more are offered', async () => {
    const { asked, load } = listOf(1_000)
    assert.equal((await readFirstPages(500, load)).more, false)
    assert.equal(asked.length, mostPages)
  })
})
