import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { settle } from '../../support/manual-clock.ts'
import { makePack } from '../../support/packs.ts'
import { bundleOf, signOffer } from '../../support/signed-offer.ts'
import { makeSigningKey } from '../../support/signing-key.ts'
import { until } from '../../support/until.ts'
import { createAgentWorld, runConnected, soon, untilDialled, type World } from './agent-world.ts'

let key: SigningKey

before(async () => {
  key = await makeSigningKey()
})

const connected = (body: (world: World) => Promise<void>, world = createAgentWorld(key)) =>
  runConnected(world, body)

/** Waits for so many verdicts on the newest stream, and for what the agent does at once after. */
async function judged({ hub }: World, count: number): Promise<void> {
  const there = () => hub.last().heard('verdict').length >= count
  await until(there, { ...soon, what: `${count} verdicts` })
  await settle()
}

describe('the link', () => {
  test('says where it is, and who', () =>
    connected(async (world) => {
      const [hello] = world.hub.last().heard('hello')
      assert.equal(hello?.clusterUid, 'uid-a')
      assert.deepEqual([hello.protocol, hello.epoch, hello.sequence], [1, 1n, 0n])
      assert.deepEqual([hello.snapshotDigest, hello.facts?.nodes], ['', 3])
    }))

  test('goes on where it could not even dial, as with a key that its certificate is not for', async () => {
    const world = createAgentWorld(key)
    const { dial } = world.hub
    let failures = 0
    world.hub.dial = () => {
      if (failures === 3) return dial()
      failures += 1
      throw new Error('key values mismatch')
    }
    const running = world.run()
    for (let second = 0; second < 60; second += 1) await world.clock.advance(1_000)
    assert.equal(failures, 3)
    assert.ok(world.hub.streams.length > 0)
    world.stop()
    await running
  })

  test('dials again ever more slowly while the hub is away, and quickly after a good stream', async () => {
    const world = createAgentWorld(key)
    world.random = 1 - 1e-9
    world.hub.away = true
    const running = world.run()
    const dials: number[] = []
    const start = world.clock.now()
    for (let second = 0; second < 120; second += 1) {
      const known = world.hub.streams.length
      await world.clock.advance(1_000)
      for (let n = known; n < world.hub.streams.length; n += 1)
        dials.push(world.clock.now() - start)
    }
    const gaps = dials.slice(1).map((at, index) => at - dials[index]!)
    assert.ok(dials.length >= 8 && dials.length <= 16, `${dials.length} dials`)
    assert.ok(
      gaps.every((gap) => gap <= 31_000),
      String(gaps),
    )
    assert.ok(gaps.at(-1)! >= 29_000, String(gaps))
    world.hub.away = false
    await world.clock.advance(31_000)
    const bundle = bundleOf('shop', 'x')
    world.hub.store(bundle)
    world.hub.last().welcome()
    world.hub.last().offer((await signOffer(key, 1, bundle)).envelope)
    await judged(world, 1)
    const before = world.hub.streams.length
    world.hub.last().drop()
    await world.clock.advance(500)
    assert.equal(world.hub.streams.length, before + 1)
    world.stop()
    await running
  })

  test('F21: a hub that only welcomes, or whose streams are broken off, is dialled ever more slowly', async () => {
    const bundle = bundleOf('shop', 'x')
    const { envelope } = await signOffer(key, 1, bundle)
    const forged = (await signOffer(await makeSigningKey(), 2, bundle)).envelope
    const junk = { digest: digestOf('junk'), data: Buffer.alloc(200 * 1024) }
    const conducts: { [name: string]: (world: World) => Promise<unknown> } = {
      async 'a welcome'({ hub }) {
        hub.last().drop()
      },
      // All of it true, but for what nobody asked for at the end.
      async 'too much data'(world) {
        world.hub.last().offer(envelope)
        await judged(world, 1)
        world.hub.last().say({ case: 'content', value: makePack([junk]) })
        await until(() => world.hub.last().closed, { ...soon, what: 'the end' })
      },
      async 'a forged offer'(world) {
        world.hub.last().offer(forged)
        await judged(world, 1)
        world.hub.last().drop()
      },
    }
    for (const [name, conduct] of Object.entries(conducts)) {
      const world = createAgentWorld(key)
      world.random = 1 - 1e-9
      world.hub.store(bundle)
      const running = world.run()
      await untilDialled(world)
      const waits: number[] = []
      for (let turn = 0; turn < 4; turn += 1) {
        const count = world.hub.streams.length
        world.hub.last().welcome()
        await settle()
        await conduct(world)
        const ended = world.clock.now()
        while (world.hub.streams.length === count) await world.clock.advance(100)
        waits.push(world.clock.now() - ended)
      }
      assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000], name)
      world.stop()
      await running
    }
  })

  for (const [what, speak] of [
    [
      'waits within the window the hub asked reconnects to be spread over',
      async (hub) => hub.welcome(20),
    ],
    [
      'spreads its way back over the window a goodbye names, whatever the welcome said',
      async (hub) => {
        hub.welcome(1)
        await settle()
        hub.goodbye(20)
      },
    ],
  ] satisfies [string, (hub: ReturnType<World['hub']['last']>) => Promise<void>][]) {
    test(what, async () => {
      const world = createAgentWorld(key)
      const running = world.run()
      await settle()
      await speak(world.hub.last())
      await settle()
      world.hub.last().drop()
      await world.clock.advance(9_999)
      assert.equal(world.hub.streams.length, 1)
      await world.clock.advance(1)
      assert.equal(world.hub.streams.length, 2)
      world.stop()
      await running
    })
  }

  test('a hub that says nothing for three heartbeats is dialled anew', () =>
    connected(async (world) => {
      const first = world.hub.last()
      await world.clock.advance(60_000)
      assert.equal(first.heard('heartbeat').length, 3)
      assert.equal(first.closed, false)
      await world.clock.advance(21_000)
      assert.equal(first.closed, true)
      assert.equal(world.hub.streams.length, 2)
    }))

  test('stopping ends the stream and the reconcile, and returns', async () => {
    const world = createAgentWorld(key)
    await connected(async ({ hub }) => {
      const bundle = bundleOf('shop', 'x')
      hub.store(bundle)
      hub.last().offer((await signOffer(key, 1, bundle)).envelope)
      await judged(world, 1)
    }, world)
    assert.equal(world.hub.last().closed, true)
    assert.equal(world.reconciled[0]?.signal.aborted, true)
  })
})
