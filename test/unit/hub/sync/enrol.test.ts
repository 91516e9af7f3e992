import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { listEnrolled } from '../../../../hub/ledger/membership.ts'
import { createSeed, type Seed } from '../../../support/seed.ts'
import { createEnrolWorld, otherUid, secret, uid } from './enrol-world.ts'

const unknownToken = /the join token is unknown, expired or already used/
const unknownCluster = /knows no such cluster by this key/

const refused = (work: Promise<unknown>, words = unknownToken) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, 'token_refused')
    assert.match(error.message, words)
    assert.ok(!error.message.includes(secret))
    return true
  })

describe('joining', () => {
  test('an agent that proves the secret gets an identity of the hub’s making', async () => {
    const hub = createEnrolWorld()
    const response = await hub.join('one')
    const [enrolment] = listEnrolled(hub.state)
    assert.equal(response.cluster, 'cluster one')
    assert.equal(response.clusterId, enrolment?.clusterId)
    assert.deepEqual(hub.issued, [{ clusterId: enrolment?.clusterId, series: 1 }])
    assert.equal(enrolment?.clusterUid, uid)
    const { certificateChain, hubCa, dataAddress, generation, pending } = response
    assert.deepEqual([certificateChain, hubCa, dataAddress], ['CHAIN', 'CA', 'hub:8444'])
    assert.deepEqual([generation, pending], [1n, false])
    assert.equal(Buffer.from(response.root).toString(), 'root')
  })

  test('T22: a token joins once', async () => {
    const hub = createEnrolWorld()
    await hub.join('one')
    await refused(hub.join('one'))
    assert.equal(listEnrolled(hub.state).length, 1)
  })

  test('T22: of many joins with one token at the same time exactly one is recorded', async () => {
    const hub = createEnrolWorld()
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => hub.join('one')))
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal(hub.decisions.length, 1)
    assert.equal(hub.issued.length, 1)
  })

  test('T22: a request that is sent again changes nothing', async () => {
    const hub = createEnrolWorld()
    const request = hub.answer('one', hub.begin('one'))
    await hub.enrol(request)
    hub.addToken('one')
    await refused(hub.enrol(request))
    assert.equal(hub.issued.length, 1)
  })

  test('T22: unknown, expired and used tokens get one and the same answer', async () => {
    const hub = createEnrolWorld()
    await refused(hub.join('nobody'))
    hub.later(600_001)
    await refused(hub.join('one'))
  })

  test('T22: a challenge is good for a minute, and for the token it was asked with', async () => {
    const hub = createEnrolWorld()
    await refused(hub.enrol(hub.answer('two', hub.begin('one'))))
    const late = hub.begin('one')
    hub.later(60_001)
    await refused(hub.enrol(hub.answer('one', late)))
    await refused(hub.enrol(hub.answer('one', new Uint8Array(38))))
    await refused(hub.enrol(hub.answer('one', hub.beginClaim('one'))))
    const forged = Uint8Array.from(hub.begin('one'))
    forged[0]! ^= 1
    await refused(hub.enrol(hub.answer('one', forged)))
    assert.equal((await hub.join('one')).cluster, 'cluster one')
  })

  test('T22: anything the proof does not cover is refused', async () => {
    const stranger = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x!
    for (const change of [
      { proof: new Uint8Array(32) },
      { proof: new Uint8Array(31) },
      { proof: new Uint8Array() },
      { certificateRequest: Uint8Array.of(9) },
      { boundKey: Uint8Array.from(Buffer.from(stranger, 'base64url')) },
      { boundSignature: new Uint8Array(64) },
      { boundSignature: new Uint8Array() },
    ]) {
      const hub = createEnrolWorld()
      await refused(hub.join('one', change))
      assert.deepEqual(hub.issued, [])
    }
    const hub = createEnrolWorld()
    const moved = { ...hub.answer('one', hub.begin('one')), clusterUid: otherUid }
    await refused(hub.enrol(moved))
    await refused(hub.join('one', { clusterUid: 'not a uid' }), /names no cluster or key/)
    await refused(hub.join('one', { boundKey: new Uint8Array(31) }), /names no cluster or key/)
  })

  test('T22: a token is dead after five wrong proofs, for ever, and only that one', async () => {
    const hub = createEnrolWorld()
    for (let n = 0; n < 4; n += 1) await refused(hub.join('two', {}, 'a guess'))
    assert.equal((await hub.join('two')).cluster, 'cluster two')
    const other = createEnrolWorld()
    for (let n = 0; n < 5; n += 1) await refused(other.join('one', {}, 'a guess'))
    assert.deepEqual(other.decisions, [
      { type: 'token.spent', tokenId: 'one', cluster: 'cluster one' },
    ])
    await refused(other.join('one'))
    assert.equal((await other.join('two')).cluster, 'cluster two')
  })

  test('T22: a token for one cluster joins no other', async () => {
    const hub = createEnrolWorld()
    hub.addToken('bound', { clusterUid: otherUid })
    await refused(hub.join('bound'), /made for another cluster/)
    assert.equal((await hub.join('bound', { clusterUid: otherUid })).cluster, 'cluster bound')
  })

  test('a cluster that is enrolled is replaced only by a token made for that', async () => {
    const hub = createEnrolWorld()
    const { clusterId } = await hub.join('one')
    await refused(hub.join('two'), /already enrolled as cluster one.*--replace/)
    hub.addToken('again', { cluster: 'cluster one' })
    await refused(hub.join('again'), /already enrolled as cluster one/)
    hub.addToken('stranger', { cluster: 'cluster one' })
    await refused(hub.join('stranger', { clusterUid: otherUid }), /already enrolled/)
    hub.addToken('anew', { cluster: 'cluster one', replace: true })
    assert.notEqual((await hub.join('anew')).clusterId, clusterId)
    assert.equal(listEnrolled(hub.state).length, 1)
  })

  test('a cluster that joins under another name leaves the first: never two identities', async () => {
    const hub = createEnrolWorld()
    await hub.join('one')
    hub.addToken('moved', { replace: true })
    await hub.join('moved')
    assert.deepEqual(
      listEnrolled(hub.state).map(({ cluster }) => cluster),
      ['cluster moved'],
    )
    assert.match(hub.state.revoked.get('cluster one') ?? '', /joined as cluster moved/)
  })

  test('an agent that joins a cluster again is told what ids were given there before', async () => {
    const hub = createEnrolWorld()
    const first = await hub.join('one')
    assert.deepEqual(first.formerIds, [])
    hub.addToken('again', { cluster: 'cluster one', replace: true })
    const second = await hub.join('again')
    assert.deepEqual(second.formerIds, [first.clusterId])
    // Of another cluster that takes the name it is told nothing.
    hub.addToken('stranger', { cluster: 'cluster one', replace: true })
    const other = await hub.join('stranger', { clusterUid: otherUid })
    assert.deepEqual(other.formerIds, [])
    hub.addToken('back', { cluster: 'cluster back', replace: true, preApproved: false })
    const third = await hub.join('back')
    assert.deepEqual(third.formerIds, [first.clusterId, second.clusterId])
    // Who was not let in has applied nothing.
    hub.addToken('last', { cluster: 'cluster last', replace: true })
    assert.deepEqual((await hub.join('last')).formerIds, third.formerIds)
  })

  test('after a revocation the cluster joins again without more ado', async () => {
    const hub = createEnrolWorld()
    await hub.join('one')
    await hub.append('ada', [{ type: 'cluster.revoked', cluster: 'cluster one', reason: '' }])
    hub.addToken('again', { cluster: 'cluster one' })
    assert.equal((await hub.join('again')).cluster, 'cluster one')
  })

  test('too many calls are turned away before anything is looked at', async () => {
    const hub = createEnrolWorld()
    const nonce = hub.begin('one')
    hub.setBusy(true)
    assert.throws(() => hub.begin('one'), { code: 'busy' })
    await assert.rejects(hub.enrol(hub.answer('one', nonce)), { code: 'busy' })
    hub.setBusy(false)
    await hub.enrol(hub.answer('one', nonce))
  })
})

describe('approval', () => {
  const approve = async (hub: ReturnType<typeof createEnrolWorld>, cluster: string) => {
    const clusterId = hub.state.pending.get(cluster)?.clusterId ?? ''
    await hub.append('ada', [{ type: 'cluster.approved', cluster, clusterId }])
  }

  test('without pre-approval there is no certificate until somebody approves', async () => {
    const hub = createEnrolWorld()
    hub.addToken('slow', { preApproved: false })
    const { clusterId, pending, certificateChain, pair } = await hub.joinAndKeep('slow')
    assert.deepEqual([pending, certificateChain, hub.issued.length], [true, '', 0])
    assert.deepEqual(listEnrolled(hub.state), [])
    assert.equal((await hub.claim(clusterId, pair.privateKey)).pending, true)
    await approve(hub, 'cluster slow')
    const claimed = await hub.claim(clusterId, pair.privateKey)
    assert.deepEqual([claimed.pending, claimed.certificateChain], [false, 'CHAIN'])
    assert.deepEqual(hub.issued, [{ clusterId, series: 1 }])
  })

  test('the first certificate is only for the key whose fingerprint was compared', async () => {
    const hub = createEnrolWorld()
    hub.addToken('slow', { preApproved: false })
    const { clusterId, pair } = await hub.joinAndKeep('slow')
    await approve(hub, 'cluster slow')
    const request = Uint8Array.of(6, 6, 6)
    await refused(hub.claim(clusterId, pair.privateKey, { request }), /key that was approved/)
    assert.deepEqual(hub.issued, [])
  })

  test('one that waits changes nothing for the agent that is enrolled', async () => {
    const hub = createEnrolWorld()
    const { clusterId } = await hub.join('one')
    hub.addToken('next', { cluster: 'cluster one', preApproved: false, replace: true })
    const next = await hub.joinAndKeep('next')
    assert.deepEqual(
      listEnrolled(hub.state).map((one) => one.clusterId),
      [clusterId],
    )
    await approve(hub, 'cluster one')
    assert.deepEqual(
      listEnrolled(hub.state).map((one) => one.clusterId),
      [next.clusterId],
    )
  })

  test('a revocation also turns away whoever waits', async () => {
    const hub = createEnrolWorld()
    hub.addToken('slow', { preApproved: false })
    const { clusterId, pair } = await hub.joinAndKeep('slow')
    await hub.append('ada', [{ type: 'cluster.revoked', cluster: 'cluster slow', reason: '' }])
    await approve(hub, 'cluster slow')
    await refused(hub.claim(clusterId, pair.privateKey), unknownCluster)
  })
})

/**
 * Outages longer than a certificate's life, one after another: keys that are new, answers that got lost, two
 * that ask at once, and an operator who now and then allows one more.
 */
async function playOutages({ random }: Seed): Promise<void> {
  const hub = createEnrolWorld()
  const { clusterId, pair, cluster } = await hub.joinAndKeep('one')
  const claim = (request: Uint8Array) => hub.claim(clusterId, pair.privateKey, { request })
  const recovered = () => hub.decisions.filter(({ type }) => type === 'cluster.recovered').length
  let [used, allowed, serial] = [0, 1, 0]
  let last: Uint8Array | undefined
  for (let step = 0; step < 25; step += 1) {
    const drawn = random()
    if (drawn < 0.25) {
      await hub.append('ada', [
        { type: 'recovery.granted', cluster, clusterId, recoverable: used + 2, reason: '' },
      ])
      allowed = used + 1
    } else if (drawn < 0.5 && last) await claim(last)
    else {
      serial += 1
      const request = Uint8Array.of(serial, 1)
      const together = drawn < 0.7 ? 2 : 1
      const answers = await Promise.allSettled(
        Array.from({ length: together }, () => claim(request)),
      )
      const isAllowed = used < allowed
      const wanted = isAllowed ? 'fulfilled' : 'rejected'
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([wanted]))
      if (isAllowed) {
        used += 1
        last = request
      }
    }
    assert.equal(recovered(), used, 'each allowance is one certificate')
    assert.equal(hub.issued.at(-1)!.series, used + 1, 'of the newest series')
  }
  assert.ok(used > 0)
}

describe('recovery', () => {
  test('F30: through outages of every kind an allowance gives one new certificate, and no more (20 seeds)', async () => {
    for (let n = 0; n < 20; n += 1) {
      const seed = createSeed(process.env['SEED'] ?? String(30_000 + n))
      try {
        await playOutages(seed)
      } catch (cause) {
        throw new Error(`SEED=${seed.text}: ${(cause as Error).message}`, { cause })
      }
    }
  })

  test('F30: the bound key takes one new certificate, and another when an operator says so', async () => {
    const hub = createEnrolWorld()
    const { clusterId, pair, cluster } = await hub.joinAndKeep('one')
    const key = (n: number) => ({ request: Uint8Array.of(n) })
    await hub.claim(clusterId, pair.privateKey, key(1))
    await refused(
      hub.claim(clusterId, pair.privateKey, key(2)),
      /swell cluster recover cluster one/,
    )
    await hub.append('ada', [
      { type: 'recovery.granted', cluster, clusterId, recoverable: 3, reason: '' },
    ])
    await hub.claim(clusterId, pair.privateKey, key(3))
    await refused(hub.claim(clusterId, pair.privateKey, key(4)), /recover/)
    assert.deepEqual(
      hub.issued.map(({ series }) => series),
      [1, 2, 3],
    )
  })

  test('F30: of two keys that ask at the same time one gets the certificate', async () => {
    const hub = createEnrolWorld()
    const { clusterId, pair } = await hub.joinAndKeep('one')
    const claim = (n: number) =>
      hub.claim(clusterId, pair.privateKey, { request: Uint8Array.of(n) })
    const answers = await Promise.allSettled([claim(1), claim(2), claim(1)])
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    const recovered = hub.decisions.filter(({ type }) => type === 'cluster.recovered')
    assert.equal(recovered.length, 1)
  })

  test('an answer that got lost is given again and costs no second recovery', async () => {
    const hub = createEnrolWorld()
    const { clusterId, pair } = await hub.joinAndKeep('one')
    const request = Uint8Array.of(7)
    await hub.claim(clusterId, pair.privateKey, { request })
    await hub.claim(clusterId, pair.privateKey, { request })
    const recovered = hub.decisions.filter(({ type }) => type === 'cluster.recovered')
    assert.equal(recovered.length, 1)
    assert.deepEqual(
      hub.issued.map(({ series }) => series),
      [1, 2, 2],
    )
  })

  test('T21: a claim is for the cluster whose key signed it, and for nothing else', async () => {
    const hub = createEnrolWorld()
    const one = await hub.joinAndKeep('one')
    hub.addToken('three')
    const three = await hub.enrol(hub.answer('three', hub.begin('three'), { clusterUid: otherUid }))
    const { clusterId, pair } = one
    const stranger = generateKeyPairSync('ed25519').privateKey
    const by = pair.privateKey
    const before = hub.issued.length
    await refused(hub.claim(clusterId, stranger), unknownCluster)
    await refused(hub.claim(three.clusterId, by, { clusterUid: otherUid }), unknownCluster)
    await refused(hub.claim('nobody', by), unknownCluster)
    await refused(hub.claim('', by), unknownCluster)
    await refused(hub.claim(clusterId, by, { clusterUid: otherUid }), unknownCluster)
    await refused(hub.claim(clusterId, by, { signed: { clusterId: 'x' } }), unknownCluster)
    await refused(hub.claim(clusterId, by, { signed: { clusterUid: 'x' } }), unknownCluster)
    const request = { certificateRequest: Uint8Array.of(9) }
    await refused(hub.claim(clusterId, by, { signed: request }), unknownCluster)
    await refused(
      hub.claim(clusterId, by, { nonce: hub.beginClaim(three.clusterId) }),
      unknownCluster,
    )
    await refused(hub.claim(clusterId, by, { nonce: hub.begin('one') }), unknownCluster)
    const nonce = hub.beginClaim(clusterId)
    hub.later(60_001)
    await refused(hub.claim(clusterId, by, { nonce }), unknownCluster)
    assert.equal(hub.issued.length, before)
    const again = hub.beginClaim(clusterId)
    await hub.claim(clusterId, by, { nonce: again })
    await refused(hub.claim(clusterId, by, { nonce: again }), unknownCluster)
  })

  test('nothing is issued to who is revoked or locked; unlocking lets the key claim once', async () => {
    const hub = createEnrolWorld()
    const { clusterId, pair, cluster } = await hub.joinAndKeep('one')
    await hub.append('hub', [{ type: 'cluster.locked', cluster, clusterId, reason: 'a copy' }])
    await refused(hub.claim(clusterId, pair.privateKey), /locked: a copy/)
    const unlocked = { cluster, clusterId, series: 2, recoverable: 3, reason: '' }
    await hub.append('ada', [{ type: 'cluster.unlocked', ...unlocked }])
    await hub.claim(clusterId, pair.privateKey)
    assert.equal(hub.issued.at(-1)?.series, 3)
    await hub.append('ada', [{ type: 'cluster.revoked', cluster, reason: 'gone' }])
    await refused(hub.claim(clusterId, pair.privateKey), /revoked: gone/)
  })
})
