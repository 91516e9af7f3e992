import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Freshness, Root } from '@groundswell/proto/statement.ts'
import type { TrustState } from '../../../agent/trust/state.ts'
import { type SigningKey, signStatement } from '../../../hub/bundle/sign.ts'
import { settle } from '../../support/manual-clock.ts'
import { bundleOf, signOffer } from '../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../support/signing-key.ts'
import { until } from '../../support/until.ts'
import { blankTrust, createAgentWorld, runConnected, soon, type World } from './agent-world.ts'

/* What an agent remembers over restarts, and what it tells of a hub that contradicts itself. */

let key: SigningKey
let rootEnvelope: Uint8Array
before(async () => {
  key = await makeSigningKey()
  rootEnvelope = (await signStatement('root', rootOf('f', key), [key])).envelope
})

const start = Date.parse('2026-01-01T00:00:00Z') / 1000
const bundle = bundleOf('shop', 'x')

async function blankAt5(rest: Partial<TrustState> = {}): Promise<TrustState> {
  const { envelope, digest } = await signOffer(key, 5, bundle)
  return {
    ...{ ...blankTrust, root: rootEnvelope, sequence: 5, snapshotDigest: digest, envelope },
    ...rest,
  }
}

/** Runs an agent from a state until `body` is done; gives back what it wrote down last. */
async function live(
  state: TrustState,
  body: (world: World) => Promise<void>,
  given: { readonly content?: boolean } = {},
): Promise<TrustState> {
  const world = createAgentWorld(key, state)
  if (given.content !== false) {
    for (const { digest, bytes } of [bundle.manifest, ...bundle.objects]) {
      world.content.blobs.set(digest, bytes)
    }
  }
  world.hub.store(bundle)
  await runConnected(world, body)
  return world.trust.load()
}

async function judge(world: World, envelope: Uint8Array): Promise<string> {
  const heard = () => world.hub.last().heard('verdict')
  const count = heard().length
  world.hub.last().offer(envelope)
  await until(() => heard().length > count, { ...soon, what: 'a verdict' })
  await settle()
  const { accepted, code } = heard().at(-1)!
  return accepted ? 'accept' : code
}

const nonceOf = (world: World): Uint8Array => {
  const asked = world.hub.last().heard('freshness')
  return asked.at(-1)?.nonce ?? world.hub.last().heard('hello')[0]!.nonce
}

async function answer(world: World, change: Partial<Freshness> = {}): Promise<void> {
  const now = Math.floor(world.clock.now() / 1000)
  const statement = {
    ...{ v: 1, fleet: 'f', aud: 'id-a', nonce: Buffer.from(nonceOf(world)).toString('base64url') },
    ...{ issuedAt: now, expiresAt: now + 600, epoch: 1, sequence: 0, snapshot: null },
    ...{ rootVersion: 1, auditHead: null },
    ...change,
  }
  const { envelope } = await signStatement('freshness', statement, [key])
  world.hub.last().say({ case: 'freshness', value: { envelope: Uint8Array.from(envelope) } })
  await settle()
}

async function redial(world: World): Promise<void> {
  const count = world.hub.streams.length
  world.hub.last().drop()
  await world.clock.advance(60_000)
  await until(() => world.hub.streams.length > count, { ...soon, what: 'another stream' })
  world.hub.last().welcome()
  await settle()
}

const at5 = (state: TrustState) => ({ sequence: 5, snapshot: state.snapshotDigest })
const head = (index: number, text = `line ${index}`) => ({ index, digest: digestOf(text) })

test('F27: the same snapshot once more after its content was lost is no equivocation', async () => {
  const state = await blankAt5()
  await live(
    state,
    async (world) => {
      assert.equal(world.reconciled.length, 0)
      const [hello] = world.hub.last().heard('hello')
      assert.deepEqual([hello?.sequence, hello?.snapshotDigest], [5n, ''])
      assert.equal(await judge(world, state.envelope!), 'accept')
      assert.equal(world.reconciled.length, 1)
      assert.deepEqual(world.evidence.kept, [])
    },
    { content: false },
  )
})

test('F27: a statement that cannot be reopened is taken again, and its content counts as new', async () => {
  const approver = await makeSigningKey()
  const policies = [{ group: 'prod', clusters: ['a'], approvers: 1 }]
  const roles = {
    ...rootOf('f', key).roles,
    approver: { keys: [approver.publicKey], threshold: 1 },
  }
  const root = await signStatement('root', { ...rootOf('f', key), version: 2, policies, roles }, [
    key,
  ])
  const forged = await signStatement('approval', {}, [key])
  const state = await blankAt5({ approvals: [forged.envelope] })
  await live(state, async (world) => {
    assert.equal(world.reconciled.length, 0)
    world.hub
      .last()
      .say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(root.envelope)] } })
    await settle()
    assert.equal(await judge(world, state.envelope!), 'approval_missing')
  })
})

test('T18: a doubt that was settled to a newer sequence is said to be without its snapshot, until it is here', async () => {
  const seventh = await signOffer(key, 7, bundle)
  const saved = await live(await blankAt5({ doubt: 'the Secret is gone' }), async (world) => {
    assert.equal(world.reconciled.length, 1)
    await answer(world, { sequence: 7, snapshot: seventh.digest })
    await redial(world)
    const [hello] = world.hub.last().heard('hello')
    assert.deepEqual([hello?.sequence, hello?.snapshotDigest], [7n, ''])
  })
  assert.deepEqual([saved.sequence, saved.doubt], [7, undefined])
  // What runs goes on being healed meanwhile, over a restart too.
  await live(saved, async (world) => {
    assert.equal(world.reconciled[0]?.snapshot.snapshot.sequence, 5)
    assert.equal(await judge(world, seventh.envelope), 'accept')
    await redial(world)
    assert.equal(world.hub.last().heard('hello')[0]?.snapshotDigest, seventh.digest)
  })
})

test('T3: two snapshots under one sequence are refused, kept as evidence, and told on every stream', async () => {
  const state = await blankAt5()
  await live(state, async (world) => {
    const others = await Promise.all(
      ['b', 'c', 'd', 'e'].map((text) => signOffer(key, 5, bundleOf('shop', text))),
    )
    for (const { envelope } of others) assert.equal(await judge(world, envelope), 'equivocation')
    assert.equal(await judge(world, others[3]!.envelope), 'equivocation')
    const refused = world.evidence.kept.map(({ refused }) => Buffer.from(refused))
    assert.deepEqual(
      refused,
      others.slice(1).map(({ envelope }) => Buffer.from(envelope)),
    )
    assert.equal(world.hub.last().heard('evidence').length, 5)
    await redial(world)
    const again = world.hub.last().heard('evidence')
    assert.deepEqual(
      again.map(({ accepted, refused }) => [Buffer.from(accepted), Buffer.from(refused)]),
      others.slice(1).map(({ envelope }) => [Buffer.from(state.envelope!), Buffer.from(envelope)]),
    )
  })
})

test('T3: a snapshot that follows another than was accepted is taken, and the agent says so', async () => {
  const words = 'the signer knows another snapshot before this one than was accepted here'
  const state = await blankAt5()
  await live(state, async (world) => {
    const sixth = await signOffer(key, 6, bundle, { previous: state.snapshotDigest })
    assert.equal(await judge(world, sixth.envelope), 'accept')
    // Two were never seen: that is no fault.
    assert.equal(await judge(world, (await signOffer(key, 9, bundle)).envelope), 'accept')
    assert.ok(!world.logged.includes(words))
    const stolen = await signOffer(key, 10, bundle, { previous: digestOf('another 9') })
    assert.equal(await judge(world, stolen.envelope), 'accept')
    assert.ok(world.logged.includes(words))
  })
})

test('T3: a freshness statement that names another snapshot of this sequence is evidence as well', async () => {
  await live(await blankAt5(), async (world) => {
    await answer(world, { sequence: 5, snapshot: digestOf('other') })
    await until(() => world.hub.last().heard('evidence').length === 1, {
      ...soon,
      what: 'evidence',
    })
  })
})

test('F29: a restart with the clock set back does not take a statement that has expired', async () => {
  const state = await blankAt5()
  const later = start + 2 * 3600
  const saved = await live(state, async (world) => {
    await answer(world, { ...at5(state), issuedAt: later, expiresAt: later + 600 })
  })
  assert.equal(saved.timeFloor, later)
  // Two hours before, by the machine's own clock.
  await live(saved, async (world) => {
    const { envelope } = await signOffer(key, 6, bundle, { expiresAt: later - 1 })
    assert.equal(await judge(world, envelope), 'expired')
    const live = await signOffer(key, 6, bundle, { expiresAt: later + 60 })
    assert.equal(await judge(world, live.envelope), 'accept')
  })
})

test('T17: under a root that has run out what runs is healed on, and nothing new is taken', async () => {
  const state = await blankAt5()
  const late = rootOf('f', key).expiresAt + 60
  const saved = await live(state, async (world) => {
    await answer(world, { ...at5(state), issuedAt: late, expiresAt: late + 600 })
    const { envelope } = await signOffer(key, 6, bundle, { expiresAt: late + 3600 })
    assert.equal(await judge(world, envelope), 'expired')
    assert.equal(world.reconciled[0]?.signal.aborted, false)
  })
  await live(saved, async (world) => {
    assert.equal(world.reconciled[0]?.snapshot.snapshot.sequence, 5)
  })
})

test('T4: a time that a stolen key set too late is gone with the epoch', async () => {
  const state = await blankAt5()
  const late = start + 10 * 365 * 24 * 3600
  const next: Root = { ...rootOf('f', key), version: 2, epoch: 2 }
  const { envelope } = await signStatement('root', next, [key])
  const saved = await live(state, async (world) => {
    await answer(world, { ...at5(state), issuedAt: late, expiresAt: late + 600 })
    assert.equal(await judge(world, (await signOffer(key, 6, bundle)).envelope), 'expired')
    world.hub.last().say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(envelope)] } })
    const cured = await signOffer(key, 1, bundle, { epoch: 2 })
    assert.equal(await judge(world, cured.envelope), 'accept')
  })
  assert.equal(saved.timeFloor, undefined)
})

const faultOf = (world: World) => world.hub.last().heard('report').at(-1)?.auditFault

/** Reports travel with a gap between them. */
const reported = (world: World) => world.clock.advance(1_000)

test('T38: a ledger that was written anew is told of over restarts, stops nothing, and ends with a new root', async () => {
  const state = await blankAt5()
  const saved = await live(state, async (world) => {
    await answer(world, { ...at5(state), auditHead: head(40) })
  })
  assert.deepEqual(saved.auditHead, head(40))
  const forked = await live(saved, async (world) => {
    assert.equal(world.hub.last().heard('hello')[0]?.witnessed?.index, 40n)
    await answer(world, { ...at5(state), auditHead: head(40, 'another') })
    await reported(world)
    const fault = faultOf(world)
    assert.deepEqual([fault?.code, fault?.seen?.index], ['audit_forked', 40n])
    assert.equal(fault?.told?.digest, digestOf('another'))
    // Told, and no more than that.
    assert.equal(await judge(world, (await signOffer(key, 6, bundle)).envelope), 'accept')
    assert.equal(world.hub.last().heard('report').at(-1)?.stale, false)
  })
  const { envelope } = await signStatement('root', { ...rootOf('f', key), version: 2 }, [key])
  const ended = await live(forked, async (world) => {
    await reported(world)
    assert.equal(faultOf(world)?.code, 'audit_forked')
    world.hub.last().say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(envelope)] } })
    await settle()
    const fresh = { sequence: 6, snapshot: forked.snapshotDigest as Digest, rootVersion: 2 }
    await answer(world, { ...fresh, auditHead: head(7, 'another') })
    await reported(world)
    assert.equal(faultOf(world), undefined)
  })
  assert.deepEqual(ended.auditHead, head(7, 'another'))
})
