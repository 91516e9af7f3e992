import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { enrolProof, secretKey } from '@groundswell/proto/enrol.ts'
import {
  BeginRequestSchema,
  type EnrolRequest,
  EnrolRequestSchema,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { Enrolment, JoinTokenRecord } from '../../../../hub/ledger/entry.ts'
import { createEnrolment } from '../../../../hub/sync/enrol.ts'

const uid = '6f0f2c26-0000-4000-8000-000000000001'
const secret = 'the secret of the token'
const unknownToken = /the join token is unknown, expired or already used/

function world() {
  let now = 1_000_000
  const key = secretKey(secret).toString('hex')
  const tokens = new Map<string, JoinTokenRecord>()
  for (const tokenId of ['one', 'two']) {
    tokens.set(tokenId, { tokenId, cluster: `cluster ${tokenId}`, key, expiresAt: now + 600_000 })
  }
  const enrolments: Enrolment[] = []
  const issued: string[] = []
  const calls = createEnrolment({
    record: {
      token: (id) => tokens.get(id),
      enrolments: () => enrolments,
      async enrol(tokenId, enrolment) {
        if (!tokens.delete(tokenId)) return false
        enrolments.push(enrolment)
        return true
      },
    },
    authority: {
      certificate: 'CA',
      pin: 'sha256:pin',
      serve: async () => assert.fail('not asked'),
      async issue(_, clusterId) {
        issued.push(clusterId)
        return 'CHAIN'
      },
    },
    root: Buffer.from('root'),
    dataAddress: () => 'hub:8444',
    clock: () => now,
    random: randomBytes,
    newId: randomUUID,
  })

  /** What an honest agent sends, with one thing or another changed. */
  function answer(
    tokenId: string,
    nonce: Uint8Array,
    change: Partial<EnrolRequest> = {},
    by = secret,
  ) {
    const pair = generateKeyPairSync('ed25519')
    const boundKey = Uint8Array.from(
      Buffer.from(pair.publicKey.export({ format: 'jwk' }).x!, 'base64url'),
    )
    const certificateRequest = Uint8Array.of(1, 2, 3)
    const proof = enrolProof(secretKey(by), {
      caPin: 'sha256:pin',
      certificateRequest,
      boundKey,
      clusterUid: uid,
      nonce,
    })
    return create(EnrolRequestSchema, {
      tokenId,
      certificateRequest,
      boundKey,
      clusterUid: uid,
      proof: Uint8Array.from(proof),
      boundSignature: Uint8Array.from(sign(null, nonce, pair.privateKey)),
      ...change,
    } as Parameters<typeof create<typeof EnrolRequestSchema>>[1])
  }
  const begin = (tokenId: string) => calls.begin(create(BeginRequestSchema, { tokenId })).nonce
  return {
    begin,
    answer,
    tokens,
    enrolments,
    issued,
    later: (ms: number) => (now += ms),
    enrol: calls.enrol,
    join: (tokenId: string, change: Partial<EnrolRequest> = {}, by = secret) =>
      calls.enrol(answer(tokenId, begin(tokenId), change, by)),
  }
}

const refused = (work: Promise<unknown>, words = unknownToken) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, 'token_refused')
    assert.match(error.message, words)
    assert.ok(!error.message.includes(secret))
    return true
  })

describe('createEnrolment', () => {
  test('an agent that proves the secret gets an identity of the hub’s making', async () => {
    const hub = world()
    const response = await hub.join('one')
    const [enrolment] = hub.enrolments
    assert.equal(response.cluster, 'cluster one')
    assert.equal(response.clusterId, enrolment?.clusterId)
    assert.deepEqual(hub.issued, [enrolment?.clusterId])
    assert.equal(enrolment?.clusterUid, uid)
    const { certificateChain, hubCa, dataAddress } = response
    assert.deepEqual([certificateChain, hubCa, dataAddress], ['CHAIN', 'CA', 'hub:8444'])
    assert.equal(Buffer.from(response.root).toString(), 'root')
  })

  test('a token joins once', async () => {
    const hub = world()
    await hub.join('one')
    await refused(hub.join('one'))
    assert.equal(hub.enrolments.length, 1)
  })

  test('of two joins with one token at the same time only one is recorded', async () => {
    const hub = world()
    const first = hub.answer('one', hub.begin('one'))
    const going = hub.enrol(first)
    const second = hub.answer('one', hub.begin('one'))
    const results = await Promise.allSettled([going, hub.enrol(second)])
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    assert.equal(hub.enrolments.length, 1)
  })

  test('unknown, expired and used tokens get one and the same answer', async () => {
    const hub = world()
    await refused(hub.join('nobody'))
    hub.later(600_001)
    await refused(hub.join('one'))
  })

  test('a challenge is good once, for a minute, for the token it was asked with', async () => {
    const hub = world()
    const nonce = hub.begin('one')
    await refused(hub.enrol(hub.answer('two', nonce)))
    await refused(hub.enrol(hub.answer('one', nonce, { proof: new Uint8Array(32) })))
    await refused(hub.enrol(hub.answer('one', nonce)))
    const late = hub.begin('one')
    hub.later(60_001)
    await refused(hub.enrol(hub.answer('one', late)))
    assert.equal((await hub.join('one')).cluster, 'cluster one')
  })

  test('anything the proof does not cover is refused', async () => {
    const stranger = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x!
    for (const change of [
      { proof: new Uint8Array(32) },
      { proof: new Uint8Array(31) },
      { proof: new Uint8Array() },
      { certificateRequest: Uint8Array.of(9) },
      { clusterUid: uid.replace('1', '2') },
      { boundKey: Uint8Array.from(Buffer.from(stranger, 'base64url')) },
      { boundSignature: new Uint8Array(64) },
      { boundSignature: new Uint8Array() },
    ]) {
      const hub = world()
      await refused(hub.join('one', change))
      assert.deepEqual(hub.issued, [])
    }
    await refused(world().join('one', { clusterUid: 'not a uid' }), /names no cluster or key/)
    await refused(world().join('one', { boundKey: new Uint8Array(31) }), /names no cluster or key/)
  })

  test('a token is dead after five wrong proofs, and only that one', async () => {
    const hub = world()
    for (let n = 0; n < 4; n += 1) await refused(hub.join('two', {}, 'a guess'))
    assert.equal((await hub.join('two')).cluster, 'cluster two')
    const other = world()
    for (let n = 0; n < 5; n += 1) await refused(other.join('one', {}, 'a guess'))
    await refused(other.join('one'))
    assert.equal((await other.join('two')).cluster, 'cluster two')
  })

  test('one cluster cannot be enrolled under two names; under its own it can again', async () => {
    const hub = world()
    await hub.join('one')
    await refused(hub.join('two'), /already enrolled as cluster one/)
    const again = { tokenId: 'again', key: secretKey(secret).toString('hex'), expiresAt: 2 ** 50 }
    hub.tokens.set('again', { ...again, cluster: 'cluster one' })
    await hub.join('again')
    const [first, second] = hub.enrolments
    assert.notEqual(first?.clusterId, second?.clusterId)
  })

  test('challenges that nobody answers are bounded and make room after a minute', () => {
    const hub = world()
    for (let n = 0; n < 1_000; n += 1) hub.begin(`t${n}`)
    assert.throws(() => hub.begin('one'), { code: 'token_refused' })
    hub.later(60_001)
    assert.equal(hub.begin('one').byteLength, 32)
  })
})
