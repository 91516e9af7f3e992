import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../../hub/errors.ts'
import { createWriteWatch } from '../../../hub/write-watch.ts'

function openWorld() {
  const said: string[] = []
  const world = { connected: true, refuses: false, breaks: false }
  const watch = createWriteWatch(
    () => world.connected,
    async () => {
      if (world.breaks) world.connected = false
      if (world.refuses || world.breaks) throw new HubError('redis_unavailable', 'OOM')
    },
    {
      info: (message: string) => said.push(message),
      warn: (_fields: object, message: string) => said.push(message),
    } as unknown as Parameters<typeof createWriteWatch>[2],
  )
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

  it('leaves one that is away to its connection', async () => {
    const { said, world, watch } = openWorld()
    world.breaks = true
    await watch.look()
    await watch.look()
    assert.equal(watch.takesNothing(), false)
    assert.deepEqual(said, [])
  })
})
