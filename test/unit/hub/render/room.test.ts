import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRoom, type Place } from '../../../../hub/render/room.ts'

const never = new AbortController().signal

/** Those that came in, in their order. */
function enterAll(room: ReturnType<typeof createRoom>, count: number): Place[] {
  const inside: Place[] = []
  for (let at = 0; at < count; at += 1) void room.enter(never).then((place) => inside.push(place))
  return inside
}
const settled = () => new Promise(setImmediate)

describe('T24: renders that are large', () => {
  test('are in memory as far as there is room, and small ones make room as they are done', async () => {
    const inside = enterAll(createRoom(100, 30), 10)
    await settled()
    assert.equal(inside.length, 3)
    inside[0]!.weigh(1)
    await settled()
    assert.equal(inside.length, 4, 'what turned out small lets the next one in')
    inside[1]!.weigh(90)
    inside[2]!.leave()
    await settled()
    assert.equal(inside.length, 4, 'what turned out large keeps it out')
    inside[1]!.leave()
    await settled()
    assert.equal(inside.length, 6)
  })

  test('have the room for themselves where one alone is larger than it', async () => {
    const inside = enterAll(createRoom(10, 30), 3)
    await settled()
    assert.equal(inside.length, 1)
    inside[0]!.weigh(1_000)
    inside[0]!.leave()
    inside[0]!.leave()
    await settled()
    assert.equal(inside.length, 2)
  })

  test('wait for room no longer than anybody waits for them', async () => {
    const room = createRoom(30, 30)
    const first = await room.enter(never)
    const abort = new AbortController()
    const second = room.enter(abort.signal)
    const third = room.enter(never)
    abort.abort(new Error('given up'))
    await assert.rejects(second, /given up/)
    first.leave()
    ;(await third).leave()
    await assert.rejects(room.enter(abort.signal), /given up/)
  })
})
