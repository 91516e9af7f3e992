import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRechecks } from '../../../../agent/observe/rechecks.ts'
import { settle } from '../../../support/manual-clock.ts'

function createWorld() {
  const stop = new AbortController()
  const looks: string[] = []
  const open = new Map<string, () => void>()
  const ask = createRechecks(async (id) => {
    looks.push(id)
    const { promise, resolve } = Promise.withResolvers<void>()
    open.set(id, resolve)
    await promise
    open.delete(id)
  }, stop.signal)
  const end = async (id: string) => {
    open.get(id)?.()
    await settle()
  }
  return { stop, looks, open, ask, end }
}

describe('createRechecks', () => {
  it('looks at a few at a time, and at all in the end', async () => {
    const { ask, open, looks, end } = createWorld()
    const ids = Array.from({ length: 50 }, (_, index) => `o${index}`)
    for (const id of ids) ask(id)
    await settle()
    while (open.size > 0) {
      assert.ok(open.size <= 4)
      await end([...open.keys()][0]!)
    }
    assert.deepEqual(looks.toSorted(), ids.toSorted())
  })

  it('looks once for all who ask before it, and again for who asks meanwhile', async () => {
    const { ask, looks, end } = createWorld()
    for (let time = 0; time < 3; time += 1) ask('a')
    await settle()
    assert.deepEqual(looks, ['a'])
    ask('a')
    ask('a')
    await end('a')
    assert.deepEqual(looks, ['a', 'a'])
    await end('a')
    assert.deepEqual(looks, ['a', 'a'])
  })

  it('stops when told to', async () => {
    const { ask, looks, end, stop } = createWorld()
    for (const id of ['a', 'b', 'c', 'd', 'e']) ask(id)
    await settle()
    stop.abort()
    await end('a')
    ask('f')
    await settle()
    assert.ok(!looks.includes('e'))
  })
})
