import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import { type SigningKey, signStatement } from '../../../hub/bundle/sign.ts'
import { settle } from '../../support/manual-clock.ts'
import { bundleOf, signOffer } from '../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../support/signing-key.ts'
import { until } from '../../support/until.ts'
import { blankTrust, createAgentWorld, runConnected, soon, type World } from './agent-world.ts'

let old: SigningKey
let fresh: SigningKey
before(async () => {
  ;[old, fresh] = [await makeSigningKey(), await makeSigningKey()]
})

const start = Date.parse('2026-01-01T00:00:00Z') / 1000

/** An agent that trusts a root statement signed by the old key, connected and welcomed. */
async function connected(body: (world: World) => Promise<void>): Promise<World> {
  const { envelope } = await signStatement('root', rootOf('f', old), [old])
  const world = createAgentWorld(old, { ...blankTrust, root: envelope })
  await runConnected(world, body)
  return world
}

const role = (key: SigningKey) => ({ keys: [key.publicKey], threshold: 1 })

/** The root that revokes the old key for snapshots. */
function revoking(change: Partial<Root> = {}) {
  const first = rootOf('f', old)
  const root: Root = { ...first, version: 2, ...change }
  const roles = { ...root.roles, snapshot: role(fresh) }
  return signStatement('root', { ...root, roles }, [old])
}

async function judge(world: World, envelope: Uint8Array, approvals: Uint8Array[] = []) {
  const heard = () => world.hub.last().heard('verdict')
  const count = heard().length
  world.hub.last().say({
    case: 'offer',
    value: {
      envelope: Uint8Array.from(envelope),
      approvals: approvals.map((bytes) => Uint8Array.from(bytes)),
    },
  })
  await until(() => heard().length > count, { ...soon, what: 'a verdict' })
  await settle()
  const { accepted, code } = heard().at(-1)!
  return accepted ? 'accept' : code
}

async function answer(world: World, nonce: Uint8Array, change: object = {}): Promise<void> {
  const now = Math.floor(world.clock.now() / 1000)
  const statement = {
    ...{ v: 1, fleet: 'f', aud: 'id-a', nonce: Buffer.from(nonce).toString('base64url') },
    ...{ issuedAt: now, expiresAt: now + 600, epoch: 1, sequence: 0, snapshot: null },
    ...{ rootVersion: 1, auditHead: null },
    ...change,
  }
  const { envelope } = await signStatement('freshness', statement, [old])
  world.hub.last().say({ case: 'freshness', value: { envelope: Uint8Array.from(envelope) } })
  await settle()
}

/** Time passes, with a hub that is there and says nothing. */
async function pass(world: World, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    world.hub.last().say({ case: 'heartbeat', value: {} })
    await world.clock.advance(Math.min(left, 5_000))
  }
}

const stale = (world: World) => world.hub.last().heard('report').at(-1)?.stale

describe('root chain', () => {
  test('T15 a revoked key is refused from the next offer on, and what runs is kept', async () => {
    const bundle = bundleOf('shop', 'x')
    const world = await connected(async (world) => {
      world.hub.store(bundle)
      assert.equal(await judge(world, (await signOffer(old, 1, bundle)).envelope), 'accept')
      const { envelope } = await revoking()
      world.hub.last().say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(envelope)] } })
      const stolen = await signOffer(old, 2, bundle)
      assert.equal(await judge(world, stolen.envelope), 'threshold_not_met')
      assert.equal(world.reconciled.length, 1)
      const state = await world.trust.load()
      assert.deepEqual(Buffer.from(state.root), Buffer.from(envelope))
      assert.equal(state.sequence, 1)
      world.hub.last().drop()
      await world.clock.advance(60_000)
      await until(() => world.hub.streams.length > 1, { ...soon, what: 'another stream' })
      await settle()
      assert.equal(world.hub.last().heard('hello')[0]!.rootVersion, 2)
      assert.equal(await judge(world, (await signOffer(fresh, 2, bundle)).envelope), 'accept')
    })
    assert.equal((await world.trust.load()).envelopeRoot, undefined)
  })

  test('T15 what was accepted under the root before is reopened and healed after a restart', async () => {
    const bundle = bundleOf('shop', 'x')
    const world = await connected(async (world) => {
      world.hub.store(bundle)
      await judge(world, (await signOffer(old, 1, bundle)).envelope)
      const { envelope } = await revoking({ epoch: 2 })
      world.hub.last().say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(envelope)] } })
      const { envelope: stolen } = await signOffer(old, 2, bundle)
      assert.equal(await judge(world, stolen), 'threshold_not_met')
    })
    const again = createAgentWorld(old, await world.trust.load())
    for (const [digest, bytes] of world.content.blobs) await again.content.write(digest, bytes)
    const running = again.run()
    await until(() => again.reconciled.length > 0, { ...soon, what: 'a reconcile' })
    assert.equal(again.reconciled[0]!.snapshot.snapshot.sequence, 1)
    again.stop()
    await running
  })

  test('a chain that does not follow changes nothing', async () => {
    await connected(async (world) => {
      const { envelope } = await revoking({ version: 3 })
      world.hub.last().say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(envelope)] } })
      await until(() => world.logged.includes('root statements refused'), {
        ...soon,
        what: 'a refusal',
      })
      assert.equal(world.trust.saves, 0)
    })
  })
})

describe('freshness', () => {
  test('T5 withheld news is told as stale within its expiry and one tick, and nothing stops', async () => {
    await connected(async (world) => {
      const [hello] = world.hub.last().heard('hello')
      await answer(world, hello!.nonce)
      await pass(world, 9 * 60_000)
      assert.equal(stale(world), false)
      assert.ok(world.hub.last().heard('freshness').length > 0, 'it asked again')
      await pass(world, 60_000 + 15_000)
      assert.equal(stale(world), true)
      assert.equal(world.hub.last().closed, false)
      await answer(world, world.hub.last().heard('freshness').at(-1)!.nonce)
      await pass(world, 1_000)
      assert.equal(stale(world), false)
    })
  })

  test('is ready once a signer has said that there is nothing to run', async () => {
    await connected(async (world) => {
      assert.equal(world.isReady(), false)
      await answer(world, world.hub.last().heard('hello')[0]!.nonce)
      await settle()
      assert.equal(world.isReady(), true)
    })
  })

  test('is not ready while a snapshot that a signer names is not here', async () => {
    await connected(async (world) => {
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      const nonce = world.hub.last().heard('hello')[0]!.nonce
      const { envelope } = await signOffer(old, 1, bundle)
      await answer(world, nonce, { sequence: 1, snapshot: digestOf('x') })
      await settle()
      assert.equal(world.isReady(), false)
      assert.equal(await judge(world, envelope), 'accept')
      assert.equal(world.isReady(), true)
    })
  })

  test('a stream after another asks only when the last word is not good for a while yet', async () => {
    await connected(async (world) => {
      const greeting = async () => {
        world.hub.last().drop()
        await pass(world, 15_000)
        const nonce = world.hub.last().heard('hello')[0]!.nonce
        world.hub.last().welcome()
        await settle()
        return nonce
      }
      assert.equal((await greeting()).byteLength, 32, 'nobody has answered yet')
      await answer(world, world.hub.last().heard('hello')[0]!.nonce)
      assert.equal((await greeting()).byteLength, 0)
      assert.equal(stale(world), false)
      await pass(world, 5 * 60_000)
      assert.equal((await greeting()).byteLength, 32, 'half of its life is gone')
      await pass(world, 10 * 60_000)
      assert.equal(stale(world), true)
      assert.equal((await greeting()).byteLength, 32, 'nobody vouches for it')
    })
  })

  test('F29 an offer that a wrong clock took for expired is accepted once the time is attested', async () => {
    await connected(async (world) => {
      const bundle = bundleOf('shop', 'x')
      world.hub.store(bundle)
      const { envelope } = await signOffer(old, 1, bundle, { issuedAt: 1, expiresAt: start - 60 })
      assert.equal(await judge(world, envelope), 'expired')
      const nonce = world.hub.last().heard('hello')[0]!.nonce
      const was = { issuedAt: start - 600, expiresAt: start }
      await answer(world, nonce, { ...was, sequence: 1, snapshot: digestOf('x') })
      await until(() => world.hub.last().heard('verdict').at(-1)?.accepted === true, {
        ...soon,
        what: 'an accepted offer',
      })
    })
  })
})

describe('approvals', () => {
  test('T15 content that a policy guards is accepted with its approvals only, and keeps them', async () => {
    const bundle = bundleOf('shop', 'x')
    const world = await connected(async (world) => {
      world.hub.store(bundle)
      const policies = [{ group: 'prod', clusters: ['a'], approvers: 1 }]
      const roles = { ...rootOf('f', old).roles, approver: role(fresh) }
      const { envelope: root } = await signStatement(
        'root',
        { ...rootOf('f', old), version: 2, policies, roles },
        [old],
      )
      world.hub.last().say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(root)] } })
      const { envelope } = await signOffer(old, 1, bundle)
      assert.equal(await judge(world, envelope), 'approval_missing')
      const approval = {
        ...{ v: 1, fleet: 'f', application: 'shop', content: bundle.manifest.digest },
        ...{ clusters: ['a'], issuedAt: start, expiresAt: start + 60 },
      }
      const forged = await signStatement('approval', approval, [old])
      assert.equal(await judge(world, envelope, [forged.envelope]), 'approval_invalid')
      const given = await signStatement('approval', approval, [fresh])
      assert.equal(await judge(world, envelope, [given.envelope]), 'accept')
      assert.equal(await judge(world, (await signOffer(old, 2, bundle)).envelope), 'accept')
    })
    assert.equal((await world.trust.load()).approvals?.length, 1)
  })
})
