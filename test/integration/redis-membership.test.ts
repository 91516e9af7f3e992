import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { connectRedis } from '../../hub/redis.ts'
import { emptyMembership, foldMembership } from '../../hub/ledger/membership.ts'
import type { Decision, Enrolment, JoinTokenRecord } from '../../hub/ledger/entry.ts'
import { createCredentials } from '../../hub/sync/credentials.ts'
import { createMembers } from '../../hub/sync/members.ts'
import type { Pins } from '../../hub/sync/pins.ts'
import { createSeal } from '../../hub/replica/seal.ts'
import { createPinStore, createTokenUse } from '../../hub/sync/redis.ts'
import { formatSerial } from '../../hub/sync/serial-number.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { createCertificateKey } from '../../agent/link/x509.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'

const seal = createSeal(Buffer.from('of this fleet'), 'pins')

type Connection = Awaited<ReturnType<typeof connectRedis>>

const serial = (generation: number): string => formatSerial(1, generation, randomBytes(9))
const pinned = (generation: number): Pins => ({
  series: 1,
  serial: serial(generation),
  generation,
  next: null,
})

describe('who belongs to the fleet, by a real Redis that several hubs share', () => {
  let server: TestRedis
  const open: Connection[] = []
  /** One connection a hub. */
  const hubs = 4

  before(async () => {
    server = await startRedis()
    for (let at = 0; at < hubs; at += 1) open.push(await connectRedis(server.url))
  })
  after(async () => {
    for (const connection of open) connection.disconnect()
    await server.stop()
  })

  describe('pins', () => {
    it('are given back as they were put, next certificate and all', async () => {
      const store = createPinStore(open[0]!, 'back', seal)
      assert.equal(await store.get('a'), undefined)
      const next = { serial: serial(2), generation: 2, key: 'sha256:key' }
      const pins = { ...pinned(1), next }
      assert.equal(await store.replace('a', null, pins), true)
      assert.deepEqual((await store.get('a'))?.pins, pins)
      assert.equal(await store.get('b'), undefined, 'of another cluster nothing is known')
    })

    it('T20: of hubs that change them at once one succeeds, each time', async () => {
      const stores = open.map((connection) => createPinStore(connection, 'race', seal))
      for (let generation = 1; generation <= 25; generation += 1) {
        const was = (await stores[0]!.get('a'))?.was ?? null
        const made = stores.map(() => pinned(generation))
        const won = await Promise.all(stores.map((store, at) => store.replace('a', was, made[at]!)))
        assert.equal(won.filter(Boolean).length, 1, `generation ${generation}`)
        assert.deepEqual((await stores[1]!.get('a'))?.pins, made[won.indexOf(true)])
      }
    })

    it('T32: that cannot be read are as good as lost, and written anew', async () => {
      const store = createPinStore(open[0]!, 'spoilt', seal)
      for (const text of ['', 'noise', 'null', '[]', '{"series":"1"}', '{"series":1,"serial":2}']) {
        await open[0]!.set('spoilt:pins:a', text)
        assert.equal(await store.get('a'), undefined, text)
        const pins = pinned(1)
        assert.equal(await store.replace('a', null, pins), true, text)
        assert.deepEqual((await store.get('a'))?.pins, pins)
      }
    })

    it('T32: that are no text, of another kind, unsealed or another cluster’s are lost too, and bar nobody', async () => {
      const [redis, key] = [open[0]!, 'forged:pins:a']
      const store = createPinStore(redis, 'forged', seal)
      const forge: (() => Promise<unknown>)[] = [
        () => redis.set(key, Buffer.from([0xff, 0xfe, 0x80, 0x00])),
        () => redis.del(key).then(() => redis.sadd(key, 'noise')),
        () => redis.set(key, JSON.stringify(pinned(9))),
        () => redis.copy('forged:pins:b', key, 'REPLACE'),
      ]
      await store.replace('b', null, pinned(9))
      for (const [at, change] of forge.entries()) {
        await store.replace('a', (await store.get('a'))?.was ?? null, pinned(1))
        await change()
        assert.equal(await store.get('a'), undefined, `forgery ${at}`)
        const pins = pinned(1)
        assert.equal(await store.replace('a', null, pins), true, `forgery ${at}`)
        assert.deepEqual((await store.get('a'))?.pins, pins)
      }
    })
  })

  describe('join tokens', () => {
    it('T22: one is taken once, by whichever hub is first', async () => {
      const uses = open.map((connection) => createTokenUse(connection, 'once', 60))
      for (let at = 0; at < 25; at += 1) {
        const taken = await Promise.all(
          [...uses, ...uses, ...uses].map((use) => use.take(`token-${at}`)),
        )
        assert.equal(taken.filter(Boolean).length, 1)
      }
      await uses[0]!.giveBack('token-0')
      assert.equal(await uses[1]!.take('token-0'), true, 'what came to nothing can be tried again')
      assert((await open[0]!.ttl('once:token:token-0')) > 0, 'and is not kept for ever')
    })

    it('T22: of hubs whose ledgers both still have it, one enrols a cluster by it', async () => {
      const token: JoinTokenRecord = {
        tokenId: 'abcdefghij',
        cluster: 'alpha',
        key: 'ab'.repeat(32),
        expiresAt: Date.now() + 60_000,
        preApproved: true,
      }
      const appended: Decision[] = []
      const members = open.map((connection) => {
        const membership = emptyMembership()
        membership.tokens.set(token.tokenId, token)
        return createMembers({
          membership,
          append: async (_, decisions) => void appended.push(...decisions),
          ...createTokenUse(connection, 'ledgers', 60),
        })
      })
      const enrolled = await Promise.all(
        members.map((member, at) => member.enrol(token, enrolment(`id-${at}`))),
      )
      assert.equal(enrolled.filter(Boolean).length, 1)
      assert.deepEqual(
        appended.map((decision) => decision.type === 'cluster.enrolled' && decision.enrolment),
        [enrolment(`id-${enrolled.indexOf(true)}`)],
      )
    })
  })

  it('T20: a generation renewed at two hubs for two keys locks the cluster; for one key it does not', async () => {
    await using directory = await createTempDir('redis-membership')
    const authority = await loadAuthority(directory.path, 'test', Date.now)
    for (const [keys, locks] of [
      [1, 0],
      [2, 1],
    ] as const) {
      const one = enrolment(`id-${keys}`)
      const locked: string[] = []
      const credentials = open.slice(0, 2).map((connection) => {
        const membership = emptyMembership()
        const decision = { type: 'cluster.enrolled', enrolment: one, tokenId: 'x' } as const
        foldMembership(membership, decision, 0)
        return createCredentials({
          fleet: 'test',
          membership,
          pins: createPinStore(connection, 'renewals', seal),
          authority,
          lock: async (_, reason) => void locked.push(reason),
        })
      })
      const certificate = { series: 1, generation: 1, serial: serial(1) }
      const requests = [await createCertificateKey(), await createCertificateKey()]
      const answers = await Promise.allSettled(
        credentials.map((hub, at) =>
          hub.renew(one, certificate, {
            $typeName: 'groundswell.v1.Renew',
            certificateRequest: Uint8Array.from(requests[at % keys]!.certificateRequest),
            generation: 1n,
          }),
        ),
      )
      assert.equal(answers.filter(({ status }) => status === 'rejected').length, locks)
      assert.equal(locked.length, locks)
    }
  })
})

function enrolment(clusterId: string): Enrolment {
  return {
    cluster: 'alpha',
    clusterId,
    clusterUid: 'uid',
    boundKey: '',
    enrolledAt: 0,
    series: 1,
    recoverable: 2,
  }
}
