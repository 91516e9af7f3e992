import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSlots } from '../../../../hub/fork-server/slots.ts'

const never = new AbortController().signal
const options = {
  most: 1,
  mostWaiting: 2,
  stopped: () => new Error('stopped'),
  full: () => new Error('full'),
}

/** Notes when it is let in. */
function enter(
  slots: ReturnType<typeof createSlots>,
  name: string,
  order: string[],
  signal = never,
) {
  return slots.take(signal).then(() => void order.push(name))
}

describe('a bound on what goes on at once', () => {
  it('lets in as many as may, then the others in the order they came', async () => {
    const slots = createSlots(options)
    const order: string[] = []
    await enter(slots, 'first', order)
    const second = enter(slots, 'second', order)
    const third = enter(slots, 'third', order)
    assert.deepEqual(order, ['first'])
    slots.give()
    await second
    assert.deepEqual(order, ['first', 'second'])
    slots.give()
    await third
    slots.give()
    await enter(slots, 'fourth', order)
    assert.deepEqual(order, ['first', 'second', 'third', 'fourth'])
  })

  it('refuses whoever comes when too many wait', async () => {
    const slots = createSlots(options)
    await slots.take(never)
    const waiting = [slots.take(never), slots.take(never)]
    await assert.rejects(slots.take(never), /full/)
    slots.give()
    slots.give()
    await Promise.all(waiting)
  })

  it('lets nobody in who was stopped, and keeps no place for them', async () => {
    const slots = createSlots(options)
    const stop = new AbortController()
    await slots.take(never)
    const left = slots.take(stop.signal)
    const order: string[] = []
    const stays = enter(slots, 'stays', order)
    stop.abort()
    await assert.rejects(left, /stopped/)
    await assert.rejects(slots.take(stop.signal), /stopped/)
    slots.give()
    await stays
    assert.deepEqual(order, ['stays'])
  })
})
