import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Freshness, Root } from '@groundswell/proto/statement.ts'
import { type Standing, createWatch } from '../../../../agent/trust/watch.ts'
import { type SigningKey, signStatement } from '../../../../hub/bundle/sign.ts'
import { agentIdentity } from '../../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const minute = 60_000
const tenYears = 10 * 365 * 24 * 3600 * 1000
const real = Date.parse('2026-01-01T00:00:00Z')
const five: Standing = { epoch: 1, sequence: 5, snapshotDigest: digestOf('5'), rootVersion: 1 }

let key: SigningKey
let root: Root
before(async () => {
  key = await makeSigningKey()
  root = rootOf('f', key)
})

/** A watch whose machine has its clock wrong by so much; time passes by `world.passed`. */
function createWorld(wrongBy = 0) {
  const world = { passed: 0, asked: 0 }
  const watch = createWatch({
    identity: agentIdentity,
    nonce: () => Buffer.alloc(32, (world.asked += 1)),
    monotonic: () => world.passed,
    clock: () => real + world.passed + wrongBy,
  })
  const answer = async (nonce: Uint8Array, change: Partial<Freshness> = {}) => {
    const issuedAt = Math.floor((real + world.passed) / 1000)
    const statement: Freshness = {
      ...{ v: 1, fleet: 'f', aud: 'id-a', nonce: Buffer.from(nonce).toString('base64url') },
      ...{ issuedAt, expiresAt: issuedAt + 600, epoch: 1, sequence: 5, snapshot: digestOf('5') },
      ...{ rootVersion: 1, auditHead: null },
      ...change,
    }
    return (await signStatement('freshness', statement, [key])).envelope
  }
  return Object.assign(world, { watch, answer })
}

describe('createWatch', () => {
  it('T5 news withheld is noticed when the last word expires', async () => {
    const world = createWorld()
    await world.watch.take(await world.answer(world.watch.ask()), root, five)
    world.passed += 10 * minute - 1
    assert.equal(world.watch.stale(five), false)
    world.passed += 1
    assert.equal(world.watch.stale(five), true)
    await world.watch.take(await world.answer(world.watch.ask()), root, five)
    assert.equal(world.watch.stale(five), false)
  })

  it('T5 an agent that never hears a word is stale after its grace', () => {
    const world = createWorld()
    world.passed += 10 * minute - 1
    assert.equal(world.watch.stale(five), false)
    world.passed += 1
    assert.equal(world.watch.stale(five), true)
  })

  it('T5 an answer that is held back loses that much of its life', async () => {
    const world = createWorld()
    const envelope = await world.answer(world.watch.ask())
    world.passed += 9 * minute
    await world.watch.take(envelope, root, five)
    world.passed += minute
    assert.equal(world.watch.stale(five), true)
  })

  it('T5 an old answer is none: only the latest question counts', async () => {
    const world = createWorld()
    const old = await world.answer(world.watch.ask())
    world.watch.ask()
    await assert.rejects(world.watch.take(old, root, five), { code: 'wrong_nonce' })
    await assert.rejects(createWorld().watch.take(old, root, five), { code: 'wrong_nonce' })
  })

  for (const [what, news, next] of [
    ['a snapshot', { sequence: 6, snapshot: digestOf('6') }, { sequence: 6 }],
    ['an epoch', { epoch: 2, sequence: 1, snapshot: digestOf('1') }, { epoch: 2, sequence: 1 }],
    ['a root statement', { rootVersion: 2 }, { rootVersion: 2 }],
  ] as const) {
    it(`T5 ${what} that is named but withheld does not count as fresh, until it comes`, async () => {
      const world = createWorld()
      await world.watch.take(await world.answer(world.watch.ask()), root, five)
      world.passed += 5 * minute
      await world.watch.take(await world.answer(world.watch.ask(), news), root, five)
      world.passed += 5 * minute
      assert.equal(world.watch.stale(five), true)
      assert.equal(world.watch.stale({ ...five, ...next }), false)
      world.passed += 5 * minute
      assert.equal(world.watch.stale({ ...five, ...next }), true)
    })
  }

  it('T15 a word by keys of the epoch before vouches for nothing any more, however long it said it lives', async () => {
    const world = createWorld()
    // A stolen key may say that for an hour nothing newer has to be looked for.
    const issuedAt = Math.floor(real / 1000)
    const long = await world.answer(world.watch.ask(), { expiresAt: issuedAt + 3_600 })
    await world.watch.take(long, root, five)
    world.watch.forget()
    assert.equal(world.watch.isAssured(five), false)
    assert.equal(world.watch.stale(five), false, 'the keys of the new epoch get their time')
    world.passed += 10 * minute
    assert.equal(world.watch.stale(five), true)
    assert.equal(world.watch.due(), true)
  })

  it('asks again at half of what the last answer lives', async () => {
    const world = createWorld()
    assert.equal(world.watch.due(), false, 'nothing was asked: there is no stream')
    await world.watch.take(await world.answer(world.watch.ask()), root, five)
    world.passed += 5 * minute - 1
    assert.equal(world.watch.due(), false)
    world.passed += 1
    assert.equal(world.watch.due(), true)
    world.watch.ask()
    assert.equal(world.watch.due(), false)
  })

  it('is assured by an answer until it is time to ask again, and of what that names only', async () => {
    const world = createWorld()
    const { watch } = world
    assert.equal(watch.isAssured(five), false, 'nobody was asked')
    const nonce = watch.ask()
    assert.equal(watch.isAssured(five), false, 'nobody answered')
    await watch.take(await world.answer(nonce), root, five)
    assert.equal(watch.isAssured(five), true)
    assert.equal(watch.isAssured({ ...five, held: false }), false)
    assert.equal(watch.isAssured({ ...five, sequence: 4 }), false)
    assert.equal(watch.isAssured({ ...five, rootVersion: 0 }), false)
    assert.equal(watch.isAssured({ ...five, sequence: 6 }), true, 'it took news since')
    world.passed += 5 * minute - 1
    assert.equal(watch.isAssured(five), true)
    world.passed += 1
    assert.equal(watch.isAssured(five), false, 'half of its life is gone')
    await watch.take(await world.answer(watch.ask()), root, five)
    assert.equal(watch.isAssured(five), true)
    watch.ask()
    assert.equal(watch.isAssured(five), false, 'a question is open')
  })

  it('T5 an assurance never outlives the statement that it rests on', async () => {
    const world = createWorld()
    await world.watch.take(
      await world.answer(world.watch.ask(), {
        expiresAt: Math.floor(real / 1000) + 1,
      }),
      root,
      five,
    )
    world.passed += 999
    assert.equal(world.watch.isAssured(five), true)
    world.passed += 1
    assert.equal(world.watch.isAssured(five), false)
  })

  it('asks again soon when no answer came, ever less often, and as before once one has', async () => {
    const world = createWorld()
    const waited: number[] = []
    let nonce = world.watch.ask()
    while (waited.length < 8) {
      const since = world.passed
      while (!world.watch.due()) world.passed += 1_000
      waited.push((world.passed - since) / 1_000)
      nonce = world.watch.ask()
    }
    assert.deepEqual(waited, [5, 10, 20, 40, 80, 160, 300, 300])
    await world.watch.take(await world.answer(nonce), root, five)
    world.passed += 5 * minute - 1
    assert.equal(world.watch.due(), false)
  })

  it('F29 knows the time from what was signed, with its own clock ten years off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -tenYears, max: tenYears }),
        fc.integer({ min: 0, max: 60 * minute }),
        async (wrongBy, later) => {
          const world = createWorld(wrongBy)
          assert.equal(world.watch.now(), real + wrongBy)
          await world.watch.take(await world.answer(world.watch.ask()), root, five)
          world.passed += later
          assert.equal(world.watch.now(), real + later)
          assert.equal(world.watch.stale(five), later >= 10 * minute)
        },
      ),
    )
  })

  it('F29 what was signed and accepted is a floor, before anybody was asked', () => {
    const world = createWorld(-tenYears)
    world.watch.passed(real / 1000)
    assert.equal(world.watch.now(), real)
  })
})
