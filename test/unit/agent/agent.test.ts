import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { settle } from '../../support/manual-clock.ts'
import { bundleOf, signOffer } from '../../support/signed-offer.ts'
import { makeSigningKey } from '../../support/signing-key.ts'
import { until } from '../../support/until.ts'
import {
  applicationState,
  blankTrust,
  createAgentWorld,
  runConnected,
  soon,
  untilDialled,
  type World,
} from './agent-world.ts'

let key: SigningKey

before(async () => {
  key = await makeSigningKey()
})

const connected = (body: (world: World) => Promise<void>, world = createAgentWorld(key)) =>
  runConnected(world, body)

const verdicts = ({ hub }: World) =>
  hub
    .last()
    .heard('verdict')
    .map(({ accepted, sequence, code }) => [accepted, Number(sequence), code])
/** Waits for so many verdicts on the newest stream, and for what the agent does at once after. */
async function judged(world: World, count: number): Promise<void> {
  const there = () => verdicts(world).length >= count
  await until(there, { ...soon, what: `${count} verdicts` })
  await settle()
}
const reports = ({ hub }: World) =>
  hub
    .last()
    .heard('report')
    .map(({ complete, applications }) => ({
      complete,
      names: applications.map(({ application }) => application),
    }))

describe('offers', () => {
  test('a good one is saved, confirmed and reconciled, in this order', () =>
    connected(async (world) => {
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      const { envelope, digest } = await signOffer(key, 3, bundle)
      world.hub.last().offer(envelope)
      await judged(world, 1)
      assert.deepEqual(verdicts(world), [[true, 3, '']])
      const [run] = world.reconciled
      assert.equal(run?.snapshot.digest, digest)
      assert.equal(run.saves, 1)
    }))

  test('a bad one is answered with its code and changes nothing; the next good one is taken', () =>
    connected(async (world) => {
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      const foreign = await signOffer(key, 3, bundle, { aud: 'id-b' })
      world.hub.last().offer(foreign.envelope)
      world.hub.last().offer(Buffer.from('nonsense'))
      await judged(world, 2)
      const refused = verdicts(world)
      assert.deepEqual(refused.at(-1), [false, 0, 'envelope_malformed'])
      assert.ok(refused.every(([accepted]) => !accepted))
      assert.deepEqual([world.reconciled.length, world.trust.saves], [0, 0])
      world.hub.last().offer((await signOffer(key, 4, bundle)).envelope)
      await judged(world, 3)
      assert.deepEqual(verdicts(world).at(-1), [true, 4, ''])
    }))

  test('content the hub has not got is asked for again after two seconds', () =>
    connected(async (world) => {
      const bundle = bundleOf('shop', 'x')
      world.hub.last().offer((await signOffer(key, 1, bundle)).envelope)
      await judged(world, 1)
      assert.deepEqual(verdicts(world), [[false, 0, 'content_missing']])
      world.hub.store(bundle)
      await world.clock.advance(1_999)
      assert.equal(verdicts(world).length, 1)
      await world.clock.advance(1)
      await judged(world, 2)
      assert.deepEqual(verdicts(world).at(-1), [true, 1, ''])
    }))

  test('a newer one that came in the meantime goes before content that was missing', () =>
    connected(async (world) => {
      const [old, newer] = [bundleOf('shop', 'x'), bundleOf('shop', 'y')]
      world.hub.last().offer((await signOffer(key, 1, old)).envelope)
      await judged(world, 1)
      world.hub.store(old, newer)
      world.hub.last().offer((await signOffer(key, 2, newer)).envelope)
      await world.clock.advance(2_000)
      await judged(world, 2)
      assert.deepEqual(verdicts(world), [
        [false, 0, 'content_missing'],
        [true, 2, ''],
      ])
    }))

  test('while one is being taken only the newest of those that come waits', () =>
    connected(async (world) => {
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      world.hub.answers = false
      const stream = world.hub.last()
      stream.offer((await signOffer(key, 1, bundle)).envelope)
      await until(() => stream.heard('want').length > 0, { ...soon, what: 'a want' })
      for (const sequence of [2, 3, 4])
        stream.offer((await signOffer(key, sequence, bundle)).envelope)
      await settle()
      world.hub.answers = true
      await world.hub.answer(stream, stream.heard('want')[0]!.digests)
      await judged(world, 2)
      assert.deepEqual(verdicts(world), [
        [true, 1, ''],
        [true, 4, ''],
      ])
    }))

  test('a newer snapshot stops the reconcile of the one before, and begins when that has ended', () =>
    connected(async (world) => {
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      const busy = Promise.withResolvers<void>()
      world.reconciling = busy.promise
      world.hub.last().offer((await signOffer(key, 1, bundle)).envelope)
      await judged(world, 1)
      world.hub.last().offer((await signOffer(key, 2, bundle)).envelope)
      await judged(world, 2)
      assert.equal(world.reconciled.length, 1)
      assert.equal(world.reconciled[0]?.signal.aborted, true)
      busy.resolve()
      await judged(world, 2)
      assert.deepEqual(
        world.reconciled.map(({ snapshot, signal }) => [
          snapshot.snapshot.sequence,
          signal.aborted,
        ]),
        [
          [1, true],
          [2, false],
        ],
      )
    }))

  // Found by killing agents at random: it went on deleting what the newer snapshot wants.
  test('F19: a newer snapshot stops the one before at once, though the hub does not listen', () =>
    connected(async (world) => {
      const [busy, heard] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      world.reconciling = busy.promise
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      world.hub.last().offer((await signOffer(key, 3, bundle)).envelope)
      await judged(world, 1)
      world.hub.last().held = heard.promise
      world.hub.last().offer((await signOffer(key, 4, bundle)).envelope)
      await judged(world, 2)
      assert.equal(world.reconciled[0]?.signal.aborted, true)
      busy.resolve()
      heard.resolve()
    }))

  test('content that no snapshot needs any more is dropped', () =>
    connected(async (world) => {
      const [one, two] = [bundleOf('shop', 'x', 'y'), bundleOf('shop', 'x')]
      world.hub.store(one, two)
      world.hub.last().offer((await signOffer(key, 1, one)).envelope)
      await judged(world, 1)
      world.hub.last().offer((await signOffer(key, 2, two)).envelope)
      await judged(world, 2)
      const kept = [two.manifest, ...two.objects].map(({ digest }) => digest)
      assert.deepEqual([...world.content.blobs.keys()].sort(), kept.sort())
    }))
})

describe('reports', () => {
  test('one of an accepted snapshot says so: a verdict follows only where there was none', () =>
    connected(async (world) => {
      await world.clock.advance(100)
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      world.onReconcile = () => world.change(applicationState('shop'))
      const { envelope, digest } = await signOffer(key, 1, bundle)
      world.hub.last().offer(envelope)
      const heard = () => world.hub.last().heard('report')
      await until(() => heard().length === 2, { ...soon, what: 'a report' })
      await settle()
      assert.deepEqual([heard()[1]?.sequence, heard()[1]?.snapshotDigest], [1n, digest])
      assert.deepEqual(verdicts(world), [])
      // One went just now, and the next waits: the hub does not.
      world.hub.last().offer((await signOffer(key, 2, bundle)).envelope)
      await judged(world, 1)
      assert.deepEqual(verdicts(world), [[true, 2, '']])
      assert.equal(heard().length, 2)
    }))

  test('a whole one opens each connection', () =>
    connected(async (world) => {
      assert.deepEqual(reports(world), [{ complete: true, names: [] }])
      world.states.set('shop', applicationState('shop'))
      world.hub.last().drop()
      await world.clock.advance(30_000)
      assert.equal(world.hub.streams.length, 2)
      world.hub.last().welcome()
      await settle()
      assert.deepEqual(reports(world), [{ complete: true, names: ['shop'] }])
    }))

  test('a change goes at once, those close behind it together, each application once', () =>
    connected(async (world) => {
      await world.clock.advance(100)
      world.change(applicationState('a'))
      await settle()
      for (let n = 0; n < 20; n += 1) {
        world.change(applicationState('b', { healed: n }), applicationState('c'))
        await world.clock.advance(4)
      }
      assert.deepEqual(reports(world).slice(1), [{ complete: false, names: ['a'] }])
      await world.clock.advance(100)
      assert.deepEqual(reports(world).slice(2), [{ complete: false, names: ['b', 'c'] }])
      const [b] = world.hub.last().heard('report').at(-1)!.applications
      assert.equal(b?.healed, 19n)
      await world.clock.advance(10_000)
      assert.equal(reports(world).length, 3)
    }))

  test('drift that was put right before its report left is told of, and then is over', () =>
    connected(async (world) => {
      await world.clock.advance(100)
      world.change(applicationState('a'))
      await settle()
      const drift = [{ object: '/ConfigMap/n/x', missing: true, firstSeen: 1, fields: [] }]
      world.change(applicationState('a', { drift, driftedObjects: 1 }))
      world.change(applicationState('a', { healed: 1 }))
      await world.clock.advance(1_000)
      const told = world.hub
        .last()
        .heard('report')
        .flatMap(({ applications }) => applications)
      assert.deepEqual(
        told.slice(1).map(({ healed, drift }) => [Number(healed), drift.length]),
        [
          [1, 1],
          [1, 0],
        ],
      )
    }))

  test('what could not be sent is sent on the next connection', () =>
    connected(async (world) => {
      await world.clock.advance(100)
      world.hub.last().drop()
      await settle()
      world.change(applicationState('a'))
      await world.clock.advance(30_000)
      world.hub.last().welcome()
      await world.clock.advance(1_000)
      assert.deepEqual(reports(world)[0], { complete: true, names: ['a'] })
    }))

  test('the whole one is not lost to a partial one that is still on its way at the welcome', async () => {
    const world = createAgentWorld(key)
    const running = world.run()
    await settle()
    const pipe = Promise.withResolvers<void>()
    world.hub.last().held = pipe.promise
    world.change(applicationState('a'))
    await settle()
    world.states.set('b', applicationState('b'))
    world.hub.last().welcome()
    await settle()
    pipe.resolve()
    await world.clock.advance(1_000)
    assert.deepEqual(reports(world).at(-1), { complete: true, names: ['a', 'b'] })
    world.stop()
    await running
  })
})

describe('a start from disk', () => {
  async function restarted(change: (world: World) => void = () => {}) {
    const before = createAgentWorld(key)
    await connected(async ({ hub }) => {
      const bundle = bundleOf('shop', 'x')
      hub.store(bundle)
      hub.last().offer((await signOffer(key, 5, bundle)).envelope)
      await judged(before, 1)
    }, before)
    const world = createAgentWorld(key, await before.trust.load())
    for (const [digest, bytes] of before.content.blobs) world.content.blobs.set(digest, bytes)
    change(world)
    return world
  }

  test('goes on with what was accepted while the hub is away', async () => {
    const world = await restarted(({ hub }) => {
      hub.away = true
    })
    const running = world.run()
    await untilDialled(world)
    await world.clock.advance(60_000)
    assert.deepEqual(
      world.reconciled.map(({ snapshot }) => snapshot.snapshot.sequence),
      [5],
    )
    assert.equal(world.reconciled[0]?.signal.aborted, false)
    world.stop()
    await running
  })

  test('content that was damaged meanwhile is not applied; the hub is asked for the newest', async () => {
    const world = await restarted(({ content }) => {
      for (const digest of content.blobs.keys()) content.blobs.set(digest, Buffer.from('rotten'))
    })
    await connected(async ({ hub, reconciled, trust }) => {
      assert.equal(reconciled.length, 0)
      const [hello] = hub.last().heard('hello')
      assert.deepEqual([hello?.sequence, hello?.snapshotDigest], [5n, ''])
      assert.equal((await trust.load()).sequence, 5)
      // Nothing older than what was accepted gets in for that.
      const old = bundleOf('shop', 'old')
      hub.store(old)
      hub.last().offer((await signOffer(key, 4, old)).envelope)
      await judged(world, 1)
      assert.deepEqual(verdicts(world), [[false, 5, 'rollback']])
    }, world)
  })

  test('F27: of content that was damaged in several places all is whole before it is applied', async () => {
    const bundle = bundleOf('shop', 'x')
    const world = await restarted(({ content }) => {
      for (const digest of content.blobs.keys()) content.blobs.set(digest, Buffer.from('rotten'))
    })
    await connected(async ({ hub, reconciled, content }) => {
      hub.store(bundle)
      hub.last().offer((await signOffer(key, 5, bundle)).envelope)
      await judged(world, 1)
      assert.deepEqual(verdicts(world), [[true, 5, '']])
      assert.equal(reconciled.length, 1)
      for (const { digest, bytes } of [bundle.manifest, ...bundle.objects]) {
        assert.deepEqual(Buffer.from(await content.read(digest)), Buffer.from(bytes))
      }
    }, world)
  })

  test('a blank agent has nothing to reconcile', async () => {
    const world = createAgentWorld(key, blankTrust)
    await connected(async () => assert.equal(world.reconciled.length, 0), world)
  })
})
