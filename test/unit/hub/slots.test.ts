import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSlots } from '../../../hub/slots.ts'
import { settle } from '../../support/manual-clock.ts'

/** Work that is done when it is told to be. */
function createWork(names: readonly string[]) {
  const begun: string[] = []
  const gates = new Map(names.map((name) => [name, Promise.withResolvers<void>()]))
  return {
    begun,
    gate: (name: string) => gates.get(name)!,
    work: (name: string) => async () => {
      begun.push(name)
      await gates.get(name)!.promise
      return name
    },
  }
}

describe('a bound on what goes on at once', () => {
  it('lets in as many as may, then the others in the order they came, failed or not', async () => {
    const slots = createSlots({ most: 2 })
    const { begun, gate, work } = createWork(['a', 'b', 'c', 'd', 'e'])
    const done = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      slots.run(work(name)).catch(() => 'failed'),
    )
    await settle()
    assert.deepEqual(begun, ['a', 'b'])
    gate('b').reject(new Error('b'))
    await settle()
    assert.deepEqual(begun, ['a', 'b', 'c'])
    for (const name of ['a', 'c', 'd', 'e']) gate(name).resolve()
    assert.deepEqual(await Promise.all(done), ['a', 'failed', 'c', 'd', 'e'])
    // All are free again.
    const free = createWork(['f', 'g'])
    const more = ['f', 'g'].map((name) => slots.run(free.work(name)))
    await settle()
    assert.deepEqual(free.begun, ['f', 'g'])
    for (const name of ['f', 'g']) free.gate(name).resolve()
    await Promise.all(more)
  })

  it('refuses whoever comes when too many wait', async () => {
    const slots = createSlots({ most: 1, waiting: { most: 1, full: () => new Error('full') } })
    const { gate, work } = createWork(['a', 'b', 'c'])
    const done = [slots.run(work('a')), slots.run(work('b'))]
    await assert.rejects(slots.run(work('c')), /full/)
    gate('a').resolve()
    gate('b').resolve()
    assert.deepEqual(await Promise.all(done), ['a', 'b'])
  })

  it('lets nobody in who was stopped, and keeps no place for them', async () => {
    const slots = createSlots({ most: 1, stopped: () => new Error('stopped') })
    const { begun, gate, work } = createWork(['a', 'left', 'stays'])
    const stop = new AbortController()
    const first = slots.run(work('a'))
    const left = slots.run(work('left'), stop.signal)
    const stays = slots.run(work('stays'))
    stop.abort()
    await assert.rejects(left, /stopped/)
    await assert.rejects(slots.run(work('left'), stop.signal), /stopped/)
    gate('a').resolve()
    await first
    await settle()
    assert.deepEqual(begun, ['a', 'stays'])
    gate('stays').resolve()
    await stays
  })

  it('gives the reason of a signal where nothing else was asked for', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    const { begun, work } = createWork(['a'])
    await assert.rejects(createSlots({ most: 1 }).run(work('a'), signal), /enough/)
    assert.deepEqual(begun, [])
  })
})
