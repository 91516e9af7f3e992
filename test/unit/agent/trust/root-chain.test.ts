import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import {
  type TrustedRoot,
  longestRootChain,
  verifyRootChain,
} from '../../../../agent/trust/root-chain.ts'
import { type Accepted, verifyRoot, verifySnapshot } from '../../../../agent/trust/verify.ts'
import { type SigningKey, signStatement } from '../../../../hub/bundle/sign.ts'
import { agentIdentity, bundleOf, signOffer } from '../../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const role = (...keys: readonly SigningKey[]) => ({
  keys: keys.map(({ publicKey }) => publicKey),
  threshold: 1,
})

let keys: SigningKey[]
let first: TrustedRoot

before(async () => {
  keys = await Promise.all(Array.from({ length: 6 }, makeSigningKey))
  first = await sealed(rootOf('f', keys[0]!), keys[0]!)
})

async function sealed(root: Root, ...by: SigningKey[]): Promise<TrustedRoot> {
  return { root, envelope: (await signStatement('root', root, by)).envelope }
}

/** The next version: root keys pass from one to another, with whatever else changes. */
function rotate(last: Root, to: SigningKey, by: SigningKey[], change: Partial<Root> = {}) {
  const roles = { ...(change.roles ?? last.roles), root: role(to) }
  return sealed({ ...last, version: last.version + 1, ...change, roles }, ...by)
}

const envelopesOf = (...chain: TrustedRoot[]) => chain.map(({ envelope }) => envelope)

describe('verifyRootChain', () => {
  it('takes an agent that slept through three rotations and a compromise to the newest root', async () => {
    const [a, b, c, d, stolen, fresh] = keys
    const two = await rotate(first.root, b!, [a!, b!])
    const three = await rotate(two.root, c!, [b!, c!], {
      roles: { ...two.root.roles, snapshot: role(stolen!) },
    })
    const four = await rotate(three.root, d!, [c!, d!])
    const five = await rotate(four.root, d!, [d!], {
      epoch: 2,
      roles: { ...four.root.roles, snapshot: role(fresh!) },
    })
    const newest = await verifyRootChain(first, envelopesOf(two, three, four, five))
    assert.deepEqual(newest, five)
    assert.deepEqual(await verifyRoot(newest.envelope), five.root)

    const bundle = bundleOf('shop', 'x')
    const verify = async (
      key: SigningKey,
      root: Root,
      accepted: Accepted,
      epoch: number,
      n: number,
    ) => {
      const { envelope } = await signOffer(key, n, bundle, { epoch })
      return verifySnapshot(envelope, root, agentIdentity, accepted, now)
    }
    // T4: the thief burnt the whole of epoch 1; nothing can follow in it, all can in the next.
    const burnt: Accepted = { epoch: 1, sequence: 2 ** 53 - 1, snapshotDigest: digestOf('x') }
    await assert.rejects(verify(stolen!, four.root, burnt, 1, 1), { code: 'rollback' })
    assert.equal((await verify(fresh!, five.root, burnt, 2, 1)).snapshot.sequence, 1)
    await assert.rejects(verify(fresh!, five.root, burnt, 2, 2 ** 53 - 1), { code: 'fast_forward' })
    // T15: the stolen key is worth nothing to whoever has the new root.
    await assert.rejects(verify(stolen!, five.root, burnt, 2, 1), { code: 'threshold_not_met' })
    await assert.rejects(verify(stolen!, five.root, burnt, 1, 1), { code: 'threshold_not_met' })
    await assert.rejects(verify(fresh!, five.root, burnt, 1, 1), { code: 'wrong_epoch' })
  })

  it('T17 an expired root in the middle is no matter, an expired newest takes no new content', async () => {
    const [a, b] = keys as [SigningKey, SigningKey]
    const past = Math.floor(now / 1000) - 1
    const two = await rotate(first.root, b, [a, b], { expiresAt: past })
    const three = await rotate(two.root, b, [b], { expiresAt: past + 3600 })
    assert.equal((await verifyRootChain(first, envelopesOf(two, three))).root.version, 3)
    const { root } = await verifyRootChain(first, envelopesOf(two))
    const { envelope, digest } = await signOffer(a, 5, bundleOf('shop', 'x'))
    const before: Accepted = { epoch: 1, sequence: 4, snapshotDigest: digestOf('y') }
    const same: Accepted = { epoch: 1, sequence: 5, snapshotDigest: digest }
    await assert.rejects(verifySnapshot(envelope, root, agentIdentity, before, now), {
      code: 'expired',
    })
    assert.ok((await verifySnapshot(envelope, root, agentIdentity, same, now)).repeated)
  })

  it('refuses a gap, a step back, another fleet, a lower epoch', async () => {
    const [a, b] = keys as [SigningKey, SigningKey]
    const two = await rotate(first.root, b, [a, b], { epoch: 2 })
    const refused: readonly [string, TrustedRoot, TrustedRoot][] = [
      ['root_gap', first, await rotate(two.root, b, [b])],
      ['root_rollback', two, first],
      ['root_rollback', two, await rotate(two.root, b, [b], { version: 2 })],
      ['root_rollback', two, await rotate(two.root, b, [b], { epoch: 1 })],
      ['wrong_fleet', two, await rotate(two.root, b, [b], { fleet: 'g' })],
    ]
    for (const [code, trusted, next] of refused) {
      await assert.rejects(verifyRootChain(trusted, [next.envelope]), { code }, code)
    }
  })

  it('wants the keys of the one before and its own, each to its threshold', async () => {
    const [a, b, c] = keys as [SigningKey, SigningKey, SigningKey]
    for (const by of [[a], [b], [c], [a, a], [b, c]]) {
      const next = await rotate(first.root, b, by)
      await assert.rejects(verifyRootChain(first, [next.envelope]), { code: 'threshold_not_met' })
    }
    const both = { keys: [a.publicKey, b.publicKey], threshold: 2 }
    const strict = await sealed({ ...first.root, roles: { ...first.root.roles, root: both } }, a, b)
    for (const by of [
      [a, c],
      [b, c],
      [a, a, c],
    ]) {
      const next = await rotate(strict.root, c, by)
      await assert.rejects(verifyRootChain(strict, [next.envelope]), { code: 'threshold_not_met' })
    }
    const next = await rotate(strict.root, c, [a, b, c])
    assert.deepEqual(await verifyRootChain(strict, [next.envelope]), next)
  })

  it('the root that is trusted, once more, changes nothing; too many are refused unread', async () => {
    assert.deepEqual(await verifyRootChain(first, [first.envelope, first.envelope]), first)
    const many = Array.from({ length: longestRootChain + 1 }, () => new Uint8Array())
    await assert.rejects(verifyRootChain(first, many), { code: 'root_chain_too_long' })
  })

  it('takes a chain only in its order, whole from where the agent is', async () => {
    const [a] = keys as [SigningKey]
    const chain: TrustedRoot[] = [first]
    for (let at = 0; at < 4; at += 1) chain.push(await rotate(chain.at(-1)!.root, a, [a]))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }),
        async (order) => {
          let at = 0
          const follows = order.every((next) => {
            const ok = next === at || next === at + 1
            if (ok) at = next
            return ok
          })
          const result = verifyRootChain(first, envelopesOf(...order.map((n) => chain[n]!)))
          if (follows) assert.equal((await result).root.version, at + 1)
          else await assert.rejects(result, /root_|version/)
        },
      ),
      { numRuns: 60 },
    )
  })
})
