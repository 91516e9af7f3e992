import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto'
import assert from 'node:assert/strict'
import { create } from '@bufbuild/protobuf'
import { boundText, claimText, enrolProof, secretKey } from '@groundswell/proto/enrol.ts'
import {
  BeginRequestSchema,
  ClaimRequestSchema,
  type EnrolRequest,
  EnrolRequestSchema,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Decision, JoinTokenRecord, LedgerEntry } from '../../../../hub/ledger/entry.ts'
import { emptyState, foldEntry } from '../../../../hub/ledger/replay.ts'
import { createChallenges } from '../../../../hub/sync/challenge.ts'
import { createEnrolment } from '../../../../hub/sync/enrol.ts'
import { createMembers } from '../../../../hub/sync/members.ts'

export const uid = '6f0f2c26-0000-4000-8000-000000000001'
export const otherUid = uid.replace(/1$/, '2')
export const secret = 'the secret of the token'
const peer = '10.1.2.3:4567'

/** The enrol listener over a ledger in memory and an authority that signs everything. */
export function createEnrolWorld() {
  let now = 1_000_000
  let index = 0
  let busy = false
  const key = secretKey(secret).toString('hex')
  const state = emptyState()
  const decisions: Decision[] = []
  const issued: { clusterId: string; series: number }[] = []

  async function append(actor: string, made: readonly Decision[]): Promise<void> {
    await Promise.resolve()
    for (const decision of made) {
      index += 1
      const entry: LedgerEntry = { index, previous: digestOf(''), at: now, actor, decision }
      foldEntry(state, entry)
      foldEntry(state, entry)
      decisions.push(decision)
    }
  }

  const taken = new Set<string>()
  const calls = createEnrolment({
    record: createMembers({
      membership: state,
      append,
      take: async (id) => !taken.has(id) && taken.add(id) !== undefined,
      giveBack: async (id) => void taken.delete(id),
    }),
    authority: {
      certificate: 'CA',
      pin: 'sha256:pin',
      origin: 'sha256:pin',
      list: () => [],
      turn: async () => false,
      vouch: () => Promise.reject(new Error('not asked for')),
      serve: async () => assert.fail('not asked'),
      readRequest: async (request) => request,
      async issue(_, clusterId, { series }) {
        issued.push({ clusterId, series })
        return { chain: 'CHAIN', serial: '01' }
      },
    },
    challenges: createChallenges(randomBytes(32), randomBytes),
    allow: () => !busy,
    root: Buffer.from('root'),
    dataAddress: () => 'hub:8444',
    clock: () => now,
    newId: randomUUID,
  })

  function addToken(tokenId: string, rest: Partial<JoinTokenRecord> = {}): void {
    const token = { tokenId, cluster: `cluster ${tokenId}`, key, expiresAt: now + 600_000 }
    state.tokens.set(tokenId, { ...token, preApproved: true, ...rest })
  }
  addToken('one')
  addToken('two')

  /** What an honest agent sends, with one thing or another changed. */
  function answer(
    tokenId: string,
    nonce: Uint8Array,
    change: Partial<EnrolRequest> = {},
    by = secret,
    pair = generateKeyPairSync('ed25519'),
  ): EnrolRequest {
    const boundKey = rawKey(pair.publicKey)
    const certificateRequest = Uint8Array.of(1, 2, 3)
    const clusterUid = change.clusterUid ?? uid
    const covered = { caPin: 'sha256:pin', certificateRequest, boundKey, clusterUid, nonce }
    return create(EnrolRequestSchema, {
      tokenId,
      certificateRequest,
      boundKey,
      clusterUid,
      proof: Uint8Array.from(enrolProof(secretKey(by), covered)),
      boundSignature: Uint8Array.from(sign(null, boundText(nonce), pair.privateKey)),
      nonce,
      ...change,
    } as Parameters<typeof create<typeof EnrolRequestSchema>>[1])
  }

  const begin = (tokenId: string): Uint8Array =>
    calls.begin(create(BeginRequestSchema, { tokenId }), peer).nonce
  const beginClaim = (clusterId: string): Uint8Array =>
    calls.begin(create(BeginRequestSchema, { clusterId }), peer).nonce

  return {
    begin,
    beginClaim,
    answer,
    addToken,
    append,
    state,
    decisions,
    issued,
    later: (ms: number) => (now += ms),
    setBusy: (is: boolean) => (busy = is),
    enrol: (request: EnrolRequest) => calls.enrol(request, peer),
    join: (tokenId: string, change: Partial<EnrolRequest> = {}, by = secret) =>
      calls.enrol(answer(tokenId, begin(tokenId), change, by), peer),
    /** Joins, and keeps the bound key to claim with. */
    async joinAndKeep(tokenId: string) {
      const pair = generateKeyPairSync('ed25519')
      const response = await calls.enrol(answer(tokenId, begin(tokenId), {}, secret, pair), peer)
      return { ...response, pair }
    },
    claim(
      clusterId: string,
      privateKey: KeyObject,
      {
        request = Uint8Array.of(1, 2, 3),
        clusterUid = uid,
        nonce = beginClaim(clusterId),
        signed = {},
      }: {
        request?: Uint8Array
        clusterUid?: string
        nonce?: Uint8Array
        /** What the signature says otherwise than the message. */
        signed?: Partial<Parameters<typeof claimText>[0]>
      } = {},
    ) {
      const said = { clusterId, clusterUid, certificateRequest: request, nonce }
      const boundSignature = Uint8Array.from(
        sign(null, claimText({ ...said, ...signed }), privateKey),
      )
      return calls.claim(
        create(ClaimRequestSchema, {
          clusterId,
          clusterUid,
          certificateRequest: Uint8Array.from(request),
          nonce: Uint8Array.from(nonce),
          boundSignature,
        }),
        peer,
      )
    },
  }
}

function rawKey(key: KeyObject): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url'))
}
