import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import { verifySnapshot } from '../../../../agent/trust/verify.ts'
import { createOffers } from '../../../../hub/sync/offer.ts'
import { attestFirst, createMemorySigner } from '../../../support/open-signer.ts'
import {
  type OfferKeys,
  assignment,
  createOfferKeys,
  createOfferWorld,
  enrolment,
  payloadOf,
  start,
} from './offer-world.ts'

const identity = { fleet: 'f', cluster: 'a', clusterId: 'id-a', clusterUid: 'uid-a' }

describe('createOffers', () => {
  let keys: OfferKeys
  before(async () => {
    keys = await createOfferKeys()
  })
  const world = (epoch?: number) => createOfferWorld(keys, epoch)

  const openSigner = async () => {
    const { key, root } = keys
    return attestFirst(
      await createMemorySigner({ root, keys: [key], clock: () => 1_700_000_000_000 }),
    )
  }

  test('signs once, and offers nothing to an agent that is there already', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const { offer } = await hub.offer(start)
    assert.equal(offer?.sequence, 1)
    hub.later(60_000)
    const at = { epoch: 1, sequence: 1, digest: offer.digest }
    for (let n = 0; n < 3; n += 1) {
      const again = await hub.offer(at)
      assert.equal(again.offer, null)
      assert.equal(again.current?.digest, offer.digest)
    }
    // An agent that lost its state gets the very snapshot that was signed before.
    assert.deepEqual((await hub.offer(start)).offer?.envelope, offer.envelope)
    assert.equal(hub.signed(), 1)
  })

  test('T18: an agent that knows how far it was and lacks the snapshot gets the same again, not another', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const { offer } = await hub.offer(start)
    const without = { epoch: 1, sequence: 1, digest: '' }
    assert.deepEqual((await hub.offer(without)).offer?.envelope, offer?.envelope)
    assert.equal(hub.signed(), 1)
  })

  test('the store is not read for an agent that is where its stream left it', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    const at = { epoch: 1, sequence: 1, digest: first.digest }
    const before = hub.reads()
    assert.equal((await hub.offer(at, first)).offer, null)
    hub.assign(assignment('shop', 'two', 2))
    const second = (await hub.offer(at, first)).offer!
    assert.deepEqual([second.sequence, hub.reads(), hub.signed()], [2, before, 2])
    // What is known of another snapshot than the agent has says nothing.
    assert.equal((await hub.offer(at, second)).offer?.digest, second.digest)
    assert.equal(hub.reads(), before + 1)
  })

  test('I3: what is known may be old: another hub that signed meanwhile is found out', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    const at = { epoch: 1, sequence: 1, digest: first.digest }
    hub.assign(assignment('shop', 'two', 2))
    const theirs = (await hub.offer(at)).offer!
    const mine = (await hub.offer(at, first)).offer!
    assert.deepEqual([mine.sequence, mine.digest], [theirs.sequence, theirs.digest])
    assert.equal((await hub.last())?.digest, theirs.digest)
  })

  test('I3: two hubs that sign at once never give one sequence two contents', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const other = createOffers({
      root: () => keys.root,
      signer: await openSigner(),
      store: hub.shared(),
      assignments: () => [assignment('shop', 'two', 2)],
      clock: () => hub.now() + 500,
    })
    const theirs: string[] = []
    hub.race(async () => {
      if (theirs.length > 0) return
      theirs.push((await other(enrolment, start)).offer!.digest)
    })
    const { offer } = await hub.offer(start)
    assert.equal(offer?.sequence, 2)
    assert.equal(payloadOf(offer.envelope).previous, theirs[0])
    assert.equal((await hub.last())?.digest, offer.digest)
  })

  test('T19: a hub restored from an old backup goes on after what its agents report', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const backup = (await hub.offer(start)).offer!
    let last = backup
    for (const text of ['two', 'three', 'four']) {
      hub.assign(assignment('shop', text, last.sequence + 1))
      last = (await hub.offer({ ...last })).offer!
    }
    // The record of long ago, and assignments of long ago.
    hub.lose()
    await hub.shared().put('id-a', backup, undefined)
    hub.assign(assignment('shop', 'one'))
    const { offer } = await hub.offer({ ...last })
    assert.equal(offer?.sequence, last.sequence + 1)
    assert.notEqual(offer.digest, last.digest)
  })

  test('gives up when another hub is always first', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    let generation = 2
    const other = createOffers({
      root: () => keys.root,
      signer: await openSigner(),
      store: hub.shared(),
      assignments: () => [assignment('shop', `n ${generation}`, (generation += 1))],
      clock: () => hub.now() + 500,
    })
    hub.race(() => other(enrolment, start))
    await assert.rejects(hub.offer(start), { code: 'conflict' })
  })

  test('what it signs is accepted by the agent it is for, and follows what went before', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    const nothing = { epoch: 1, sequence: 0, snapshotDigest: null }
    const seen = await verifySnapshot(first.envelope, keys.root, identity, nothing, hub.now())
    assert.equal(seen.digest, first.digest)
    hub.assign(assignment('shop', 'two', 2))
    const second = (await hub.offer({ ...first })).offer!
    assert.equal(second.sequence, 2)
    assert.equal(payloadOf(second.envelope).previous, first.digest)
  })

  test('a snapshot that nothing changes is signed anew well before it expires', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    hub.later(14 * 24 * 3600 * 1000)
    assert.equal((await hub.offer(first)).offer, null)
    hub.later(2 * 24 * 3600 * 1000)
    const second = (await hub.offer(first)).offer!
    assert.equal(second.sequence, 2)
    assert.ok(payloadOf(second.envelope).expiresAt > payloadOf(first.envelope).expiresAt)
  })

  test('I3 a lost record goes on after what the agent reports, never at it', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const at = { epoch: 1, sequence: 41, digest: digestOf('what it accepted') }
    const { offer } = await hub.offer(at)
    assert.equal(offer?.sequence, 42)
    assert.equal(payloadOf(offer.envelope).previous, at.digest)
  })

  test('I3 an agent that is behind the record is brought past it', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const ahead = (await hub.offer({ ...start, sequence: 9, digest: digestOf('x') })).offer!
    assert.equal(ahead.sequence, 10)
    hub.assign(assignment('shop', 'two', 2))
    const next = (await hub.offer({ ...start, sequence: 3, digest: digestOf('y') })).offer!
    assert.equal(next.sequence, 11)
    assert.equal(payloadOf(next.envelope).previous, ahead.digest)
  })

  test('a position of another digest at the same sequence is passed, not repeated', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    const forked = await hub.offer({ ...first, digest: digestOf('another hub') })
    assert.equal(forked.offer?.sequence, 2)
  })

  test('what can only come with something else is left out, and nothing is signed for it alone', async () => {
    const hub = world()
    const [shop, db] = [assignment('shop', 'one'), assignment('db', 'other')]
    hub.assign(shop, db)
    const { offer } = await hub.offer(start)
    const at = { epoch: 1, sequence: 1, digest: offer!.digest }
    const next = assignment('shop', 'two', 2)
    hub.assign(next, db)
    hub.keepBy(() => 'wait')
    assert.deepEqual(await hub.offer(at), { offer: null, current: null })
    assert.equal(hub.signed(), 1)
    hub.keepBy((_, all) => all.filter(({ application }) => application !== 'shop'))
    const without = await hub.offer(at)
    const names = (envelope: Uint8Array) => payloadOf(envelope).applications.map(({ name }) => name)
    assert.deepEqual(names(without.offer!.envelope), ['db'])
    hub.keepBy((_, all) => all)
    const all = await hub.offer({ epoch: 1, sequence: 2, digest: without.offer!.digest })
    assert.deepEqual(names(all.offer!.envelope), ['db', 'shop'])
  })

  test('an agent that lost what it held is not kept waiting for what comes together: it gets the rest', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'), assignment('db', 'other'))
    const { offer } = await hub.offer(start)
    hub.assign(assignment('shop', 'two', 2), assignment('db', 'other'))
    hub.keepBy((_, all, holdsNothing) =>
      holdsNothing ? all.filter(({ application }) => application !== 'shop') : 'wait',
    )
    const at = { epoch: 1, sequence: 1, digest: offer!.digest }
    assert.deepEqual(await hub.offer(at), { offer: null, current: null })
    const again = await hub.offer({ ...at, digest: '' })
    const names = payloadOf(again.offer!.envelope).applications.map(({ name }) => name)
    assert.deepEqual(names, ['db'])
  })

  test('a new epoch starts its sequence afresh', async () => {
    const hub = world(2)
    hub.assign(assignment('shop', 'one'))
    const { offer } = await hub.offer({ epoch: 1, sequence: 500, digest: digestOf('old epoch') })
    assert.deepEqual([offer?.epoch, offer?.sequence], [2, 1])
  })

  test('I3: a hub of before an epoch offers nothing to agents of it, and goes on after them once it is published', async () => {
    const hub = world(1)
    hub.assign(assignment('shop', 'one'))
    const at = { epoch: 2, sequence: 7, digest: digestOf('accepted in epoch 2') }
    assert.deepEqual(await hub.offer(at), { offer: null, current: null })
    assert.deepEqual([hub.refusals, hub.signed()], [['root_behind'], 0])
    hub.publish(2)
    const { offer } = await hub.offer(at)
    assert.deepEqual([offer?.epoch, offer?.sequence], [2, 8])
    assert.equal(payloadOf(offer!.envelope).previous, at.digest)
    assert.equal(hub.refusals.at(-1), undefined)
  })

  test('I4 an agent that holds content is never offered an empty list', async () => {
    const hub = world()
    assert.deepEqual(await hub.offer(start), { offer: null, current: null })
    assert.deepEqual(await hub.offer({ ...start, sequence: 7, digest: digestOf('x') }), {
      offer: null,
      current: null,
    })
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    hub.assign()
    assert.equal((await hub.offer(first)).offer, null)
    assert.equal(hub.signed(), 1)
    hub.assign(assignment('shop', null, 2))
    const gone = (await hub.offer(first)).offer!
    assert.deepEqual(
      gone.list.map(({ name, state }) => [name, state]),
      [['shop', 'removed']],
    )
  })

  test('I3 looks at the same time sign one snapshot, not two of one sequence', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const offers = await Promise.all(Array.from({ length: 5 }, () => hub.offer(start)))
    assert.equal(new Set(offers.map(({ offer }) => offer!.digest)).size, 1)
    assert.equal(hub.signed(), 1)
  })

  test('I3 no sequence ever has two digests, whatever is lost and however agents lag', async () => {
    type Event = { kind: 'assign' | 'later' | 'lose' | 'offer' | 'both'; pick: number }
    const event: fc.Arbitrary<Event> = fc.record({
      kind: fc.constantFrom('assign', 'later', 'lose', 'offer', 'both'),
      pick: fc.nat(3),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
        const hub = world()
        const digests = new Map<number, string>()
        let agent = start
        hub.assign(assignment('shop', 'first'))
        for (const [n, { kind, pick }] of events.entries()) {
          hub.later(1_000)
          if (kind === 'assign') hub.assign(assignment('shop', `content ${pick}`, n + 2))
          // The record is only lost with what was in it accepted: else nobody could know of it.
          else if (kind === 'lose') {
            if ((await hub.last())?.sequence === agent.sequence) hub.lose()
          } else if (kind !== 'later') {
            const looks = kind === 'both' ? [agent, agent] : [agent]
            for (const { offer } of await Promise.all(looks.map((at) => hub.offer(at)))) {
              if (!offer) continue
              assert.ok(offer.sequence > agent.sequence || offer.digest === agent.digest)
              assert.equal(digests.get(offer.sequence) ?? offer.digest, offer.digest)
              digests.set(offer.sequence, offer.digest)
              // Some offers never arrive.
              if (pick > 0) agent = { epoch: 1, sequence: offer.sequence, digest: offer.digest }
            }
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})
