import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../../hub/errors.ts'
import { judgeRefusal } from '../../../hub/redis.ts'
import { createWriteWatch } from '../../../hub/write-watch.ts'

const full = () =>
  new HubError('redis_unavailable', 'Redis cannot do it now: OOM command not allowed')
const minute = 60_000

function openWorld() {
  const said: string[] = []
  const world = {
    ...{ connected: true, refuses: false, breaks: false, lost: false, now: 0 },
    rebuilt: 0,
    rebuild: async () => {},
  }
  const tell = (...line: readonly [object, string] | readonly [string]) => {
    const [fields, message] = line.length === 1 ? [{}, line[0]] : line
    const { untold } = fields as { readonly untold?: number }
    said.push(untold === undefined ? message : `${message} (${untold})`)
  }
  const watch = createWriteWatch({
    isConnected: () => world.connected,
    async mark() {
      if (world.breaks) world.connected = false
      if (world.refuses || world.breaks) throw full()
      return world.lost ? 'lost' : 'kept'
    },
    async onLost() {
      world.rebuilt += 1
      await world.rebuild()
    },
    isRefusal: judgeRefusal,
    log: { info: tell, warn: tell } as unknown as Parameters<typeof createWriteWatch>[0]['log'],
    monotonic: () => world.now,
  })
  return { said, world, watch }
}

describe('a watch for a Redis that takes nothing', () => {
  it('says once that it takes nothing, and once that it does again', async () => {
    const { said, world, watch } = openWorld()
    await watch.look()
    assert.equal(watch.takesNothing(), false)
    world.refuses = true
    await watch.look()
    await watch.look()
    assert.equal(watch.takesNothing(), true)
    assert.equal(said.length, 1)
    assert.match(said[0]!, /takes nothing: rollouts stand still/)
    world.refuses = false
    await watch.look()
    await watch.look()
    assert.equal(watch.takesNothing(), false)
    assert.deepEqual(said.slice(1), ['Redis takes what is written again'])
  })

  it('counts what others would say of it, and tells that every five minutes and at the end', async () => {
    const { said, world, watch } = openWorld()
    world.refuses = true
    await watch.look()
    for (let at = 1; at <= 20; at += 1) {
      assert.equal(watch.hears(full()), true)
      world.now = at * 30_000
      await watch.look()
    }
    assert.deepEqual(said.slice(1), [
      'Redis still takes nothing (10)',
      'Redis still takes nothing (10)',
    ])
    assert.equal(watch.hears(new Error('Command timed out')), true)
    assert.equal(
      watch.hears(new HubError('redis_unavailable', 'Redis does not answer in time')),
      true,
    )
    world.refuses = false
    await watch.look()
    assert.deepEqual(said.slice(3), ['Redis takes what is written again (2)'])
  })

  it('leaves to others what is no word of that, and silence while it is well', async () => {
    const { watch } = openWorld()
    await watch.look()
    for (const error of [
      undefined,
      'OOM of something else',
      new Error('the disk is gone'),
      new Error('Command timed out'),
      new HubError('content_missing', 'it was OOMed'),
    ]) {
      assert.equal(watch.hears(error), false)
    }
  })

  it('looks at once when somebody is refused, and has one connection alone say it once a minute', async () => {
    const { said, world, watch } = openWorld()
    const refusal = new Error("READONLY You can't write against a read only replica.")
    assert.equal(watch.hears(refusal), false)
    assert.equal(watch.hears(refusal), true)
    await new Promise(setImmediate)
    assert.equal(watch.takesNothing(), false)
    world.now = minute
    world.refuses = true
    assert.equal(watch.hears(refusal), false)
    await new Promise(setImmediate)
    assert.equal(watch.takesNothing(), true)
    assert.match(said[0]!, /takes nothing: rollouts/)
  })

  it('leaves one that is away to its connection', async () => {
    const { said, world, watch } = openWorld()
    world.breaks = true
    await watch.look()
    await watch.look()
    assert.equal(watch.takesNothing(), false)
    assert.deepEqual(said, [])
  })

  it('has all written again to one that was emptied, and says when that failed', async () => {
    const { said, world, watch } = openWorld()
    await watch.look()
    assert.equal(world.rebuilt, 0)
    world.lost = true
    await watch.look()
    assert.deepEqual([world.rebuilt, said.length], [1, 0])
    world.rebuild = () => Promise.reject(full())
    await watch.look()
    assert.match(said[0]!, /was emptied, and not all was written to it again/)
  })
})
