import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { exportJWK, generateKeyPair } from 'jose'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Root, Snapshot } from '@groundswell/proto/statement.ts'
import { verifySnapshot } from '../../../../agent/trust/verify.ts'
import type { SigningKey } from '../../../../hub/bundle/sign.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { Assignment } from '../../../../hub/rollout/rollout.ts'
import {
  type AgentPosition,
  type OfferDeps,
  type Offered,
  createOffers,
} from '../../../../hub/sync/offer.ts'
import { attestFirst, createMemorySigner } from '../../../support/open-signer.ts'
import { createMemorySnapshots } from '../../../support/memory-stores.ts'

const enrolment = {
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid-a',
  boundKey: '',
  enrolledAt: 0,
}
const identity = { fleet: 'f', cluster: 'a', clusterId: 'id-a', clusterUid: 'uid-a' }
const start: AgentPosition = { epoch: 1, sequence: 0, digest: '' }

function assignment(application: string, content: string | null, generation = 1): Assignment {
  return {
    cluster: 'a',
    application,
    digest: content === null ? null : digestOf(content),
    size: content?.length ?? 0,
    revision: 'main@sha1:1',
    generation,
    rollout: 'r1',
  }
}

function payloadOf(envelope: Uint8Array): Snapshot {
  const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string }
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Snapshot
}

describe('createOffers', () => {
  let key: SigningKey
  let root: Root

  before(async () => {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const { x } = await exportJWK(pair.publicKey)
    key = { privateKey: pair.privateKey, publicKey: { kty: 'OKP', crv: 'Ed25519', x: x! } }
    const role = { keys: [key.publicKey], threshold: 1 }
    const roles = { root: role, snapshot: role, freshness: role, approver: role }
    root = { v: 1, fleet: 'f', version: 1, epoch: 1, expiresAt: 2_000_000_000, roles, policies: [] }
  })

  const openSigner = async () =>
    attestFirst(await createMemorySigner({ root, keys: [key], clock: () => 1_700_000_000_000 }))

  function world(epoch = 1) {
    let now = 1_700_000_000_000
    let assigned: Assignment[] = []
    let store = createMemorySnapshots()
    let signed = 0
    let reads = 0
    const refusals: (string | undefined)[] = []
    let meanwhile: (() => Promise<unknown>) | undefined
    const record = {
      get: (id: string) => {
        reads += 1
        return store.get(id)
      },
      async put(...given: Parameters<typeof store.put>) {
        await meanwhile?.()
        return store.put(...given)
      },
    }
    const signer = createMemorySigner({
      root: { ...root, epoch },
      keys: [key],
      clock: () => now,
    }).then(attestFirst)
    let [hasRecord, away] = [true, false]
    let sparing: OfferDeps['sparing']
    let ledger: OfferDeps['ledger']
    const offerFor = createOffers({
      get sparing() {
        return sparing!
      },
      get ledger() {
        return ledger!
      },
      root: () => ({ epoch, version: 1 }),
      signer: {
        sign: async (request) => (await signer).sign(request),
        async position(clusterId) {
          if (away) throw new HubError('signer_unavailable', 'it restarts')
          return hasRecord ? (await signer).position(clusterId) : null
        },
      },
      store: record,
      assignments: () => assigned,
      // No two looks at the clock tell the same time.
      clock: () => (now += 1_000),
      onSigned: () => (signed += 1),
      onRefused: (_, refusal) => void refusals.push(refusal?.code),
    })
    return {
      offer: (at: AgentPosition, known?: Offered | null) => offerFor(enrolment, at, known),
      reads: () => reads,
      assign: (...list: Assignment[]) => (assigned = list),
      later: (ms: number) => (now += ms),
      lose: () => (store = createMemorySnapshots()),
      now: () => now,
      signed: () => signed,
      spareBy: (spare: NonNullable<OfferDeps['sparing']>['spare']) =>
        void (sparing = { spare, isSuspect: () => false }),
      refusals,
      signerIsAway: () => (away = true),
      /** Its disk is that of long ago, too. */
      signerForgets: () => (hasRecord = false),
      ledgerIs: (given: OfferDeps['ledger']) => void (ledger = given),
      last: () => store.get('id-a'),
      /** The same store, as another hub has it. */
      shared: () => store,
      /** Runs between a look and its record. */
      race: (run: typeof meanwhile) => (meanwhile = run),
    }
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
      root: () => root,
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

  test('T19: what was signed when the ledger had more than now is not undone by what it has now', async () => {
    const hub = world()
    const ledger = { index: 9, digest: digestOf('line nine') }
    hub.assign(assignment('shop', 'two', 2))
    hub.ledgerIs({ head: () => ledger, has: () => true })
    const signed = (await hub.offer(start)).offer!
    assert.deepEqual((await hub.last())?.ledger, ledger)
    // The same record, the same agent, and assignments of long ago.
    hub.assign(assignment('shop', 'one'))
    const spared: string[] = []
    hub.spareBy((cluster) => {
      spared.push(cluster)
      return 'wait'
    })
    const asked: unknown[] = []
    const has = (head: object): boolean => asked.push(head) === 0
    hub.ledgerIs({ head: () => ({ ...ledger, index: 4 }), has })
    assert.deepEqual(await hub.offer({ ...signed }), { offer: null, current: null })
    assert.deepEqual([spared, asked], [['a'], [ledger]])
    // A ledger that has the line keeps nothing back.
    hub.ledgerIs({ head: () => ledger, has: () => true })
    assert.deepEqual([(await hub.offer({ ...signed })).offer?.sequence, spared], [2, ['a']])
  })

  test('T19: an agent that is ahead gets what is left of the list, signed after what it has', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'), assignment('web', 'old'))
    const at = { epoch: 1, sequence: 41, digest: digestOf('what it accepted') }
    hub.spareBy((_, all) => all.filter(({ application }) => application === 'shop'))
    hub.signerForgets()
    const { offer } = await hub.offer(at)
    assert.deepEqual(
      payloadOf(offer!.envelope).applications.map(({ name }) => name),
      ['shop'],
    )
    assert.equal(offer?.sequence, 42)
  })

  test('F11: a record that is lost with Redis keeps nothing back, since the signer has its own', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    const first = (await hub.offer(start)).offer!
    hub.lose()
    hub.spareBy(() => assert.fail('the agent is no further than the signer'))
    hub.assign(assignment('shop', 'two', 2))
    assert.equal((await hub.offer({ ...first })).offer?.sequence, 2)
    // Not asked, nobody knows.
    hub.lose()
    hub.signerIsAway()
    assert.deepEqual(await hub.offer({ ...first }), { offer: null, current: null })
    assert.deepEqual(hub.refusals, ['signer_unavailable'])
  })

  test('gives up when another hub is always first', async () => {
    const hub = world()
    hub.assign(assignment('shop', 'one'))
    let generation = 2
    const other = createOffers({
      root: () => root,
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
    const seen = await verifySnapshot(first.envelope, root, identity, nothing, hub.now())
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

  test('a new epoch starts its sequence afresh', async () => {
    const hub = world(2)
    hub.assign(assignment('shop', 'one'))
    const { offer } = await hub.offer({ epoch: 1, sequence: 500, digest: digestOf('old epoch') })
    assert.deepEqual([offer?.epoch, offer?.sequence], [2, 1])
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
