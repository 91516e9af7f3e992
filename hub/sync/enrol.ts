import { createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import {
  type BeginRequest,
  BeginResponseSchema,
  type ClaimRequest,
  ClaimResponseSchema,
  type EnrolRequest,
  EnrolResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { boundText, claimText, enrolmentFingerprint, enrolProof } from '@groundswell/proto/enrol.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { create } from '@bufbuild/protobuf'
import { HubError } from '../errors.ts'
import type { Enrolment, JoinTokenRecord } from '../ledger/entry.ts'
import { recoverableOf, recoveryBudget, seriesOf } from '../ledger/membership.ts'
import type { createChallenges } from './challenge.ts'
import { type TokenKeys, readOpenKey } from './token-key.ts'
import type { Authority } from './x509.ts'

/** Who a cluster id belongs to. `barred` says why it gets nothing. */
export type Standing =
  | { readonly state: 'enrolled'; readonly enrolment: Enrolment }
  | { readonly state: 'pending'; readonly enrolment: Enrolment }
  | { readonly state: 'barred'; readonly enrolment: Enrolment; readonly why: string }

/** What enrolment needs of the hub's record. */
export interface EnrolmentRecord {
  token(tokenId: string): JoinTokenRecord | undefined
  /** Ids that agents of the cluster with this UID were given before, the newest last. */
  formerIds(clusterUid: string): readonly string[]
  /** Why this token may not enrol this cluster, in words; undefined when it may. */
  objection(token: JoinTokenRecord, clusterUid: string): string | undefined
  /** Consumes the token and records the cluster, in one ledger entry; false when it was used. */
  enrol(token: JoinTokenRecord, enrolment: Enrolment): Promise<boolean>
  /** The token is dead from now on. */
  spend(token: JoinTokenRecord): Promise<void>
  standing(clusterId: string): Standing | undefined
  /** Records that the bound key gets a certificate of this series for a key of this digest. */
  recover(enrolment: Enrolment, series: number, key: Digest): Promise<void>
}

export interface EnrolOptions {
  readonly record: EnrolmentRecord
  readonly authority: Authority
  readonly challenges: ReturnType<typeof createChallenges>
  /** Whether one more call of this peer may pass now. */
  readonly allow: (peer: string, now: number) => boolean
  /** The key of a join token from the record; as it is when left out. */
  readonly openKey?: TokenKeys['open']
  readonly root: Uint8Array
  readonly dataAddress: () => string
  readonly clock: () => number
  /** For the cluster, never used before. */
  readonly newId: () => string
}

/** Wrong proofs after which a token is dead. */
const proofAttempts = 5
/** When to ask again whether somebody has approved. */
const pendingRetrySeconds = 5

/**
 * The calls of the enrol listener. A caller that proved nothing learns nothing: unknown, expired
 * and used tokens get the same answer, and so do unknown clusters and wrong signatures.
 */
export function createEnrolment(options: EnrolOptions) {
  const { record, authority, challenges, clock } = options
  /** Of tokens on record only, so bounded by them. */
  const failures = new Map<string, number>()

  function checkRate(peer: string): void {
    if (options.allow(hostOf(peer), clock())) return
    throw new HubError('busy', 'too many joins at once; try again in a moment')
  }

  function begin(request: BeginRequest, peer: string) {
    checkRate(peer)
    const nonce = challenges.make(subjectOf(request), clock())
    return create(BeginResponseSchema, { nonce: Uint8Array.from(nonce) })
  }

  async function enrol(request: EnrolRequest, peer: string) {
    checkRate(peer)
    const token = await checkToken(request)
    const objection = record.objection(token, request.clusterUid)
    if (objection !== undefined) throw new HubError('token_refused', objection)
    const publicKey = await authority.readRequest(request.certificateRequest)
    const approved = token.preApproved === true
    const fingerprint = fingerprintOf(request, publicKey)
    const enrolment: Enrolment = {
      cluster: token.cluster,
      clusterId: options.newId(),
      clusterUid: request.clusterUid,
      boundKey: Buffer.from(request.boundKey).toString('base64url'),
      enrolledAt: clock(),
      // One that waits takes its first certificate by its bound key, like a recovery.
      series: approved ? 1 : 0,
      recoverable: 1 + recoveryBudget,
      fingerprint,
    }
    const formerIds = [...record.formerIds(request.clusterUid)]
    if (!(await record.enrol(token, enrolment))) throw refused()
    const { cluster, clusterId } = enrolment
    const common = {
      cluster,
      clusterId,
      hubCa: authority.certificate,
      dataAddress: options.dataAddress(),
      root: Uint8Array.from(options.root),
      formerIds,
    }
    if (!approved) {
      const waiting = { pending: true, retrySeconds: pendingRetrySeconds }
      return create(EnrolResponseSchema, { ...common, ...waiting })
    }
    const { chain } = await authority.issue(publicKey, clusterId, { series: 1, generation: 1 })
    return create(EnrolResponseSchema, { ...common, certificateChain: chain, generation: 1n })
  }

  async function checkToken(request: EnrolRequest): Promise<JoinTokenRecord> {
    const { tokenId, nonce } = request
    if (!challenges.isOurs(nonce, subjectOf({ tokenId, clusterId: '' }), clock())) throw refused()
    const token = record.token(tokenId)
    if (!token || token.expiresAt < clock()) throw refused()
    const failed = failures.get(tokenId) ?? 0
    if (failed >= proofAttempts) throw refused()
    if (!isUid(request.clusterUid) || request.boundKey.byteLength !== 32) {
      throw new HubError('token_refused', 'the request names no cluster or key')
    }
    const key = (options.openKey ?? readOpenKey)(token)
    if (!key) throw refused()
    const expected = enrolProof(key, {
      caPin: authority.pin,
      certificateRequest: request.certificateRequest,
      boundKey: request.boundKey,
      clusterUid: request.clusterUid,
      nonce,
    })
    const proven =
      request.proof.byteLength === expected.byteLength && timingSafeEqual(request.proof, expected)
    if (!proven || !holdsKey(request.boundKey, boundText(nonce), request.boundSignature)) {
      for (const known of failures.keys()) if (!record.token(known)) failures.delete(known)
      failures.set(tokenId, failed + 1)
      if (failed + 1 >= proofAttempts) await record.spend(token)
      throw refused()
    }
    if (!challenges.use(nonce, clock())) throw refused()
    return token
  }

  /** Of clusters whose claim is being answered: when it is. */
  const claiming = new Map<string, Promise<unknown>>()

  async function claim(request: ClaimRequest, peer: string) {
    checkRate(peer)
    const { clusterId, clusterUid, certificateRequest, nonce } = request
    const fresh = challenges.isOurs(nonce, subjectOf({ tokenId: '', clusterId }), clock())
    const standing = record.standing(clusterId)
    if (!fresh || !standing) throw unknownClaim()
    const { enrolment } = standing
    const text = claimText({ clusterId, clusterUid, certificateRequest, nonce })
    const boundKey = Buffer.from(enrolment.boundKey, 'base64url')
    if (!holdsKey(boundKey, text, request.boundSignature)) throw unknownClaim()
    if (enrolment.clusterUid !== clusterUid || !challenges.use(nonce, clock())) throw unknownClaim()
    // Two at once would both be the one that is allowed.
    const before = claiming.get(clusterId) ?? Promise.resolve()
    const answer = before.then(() => certify(clusterId, certificateRequest))
    const ended = Promise.allSettled([answer])
    claiming.set(clusterId, ended)
    try {
      return await answer
    } finally {
      if (claiming.get(clusterId) === ended) claiming.delete(clusterId)
    }
  }

  /** For one whose key signed the claim, as things stand when its turn has come. */
  async function certify(clusterId: string, certificateRequest: Uint8Array) {
    const standing = record.standing(clusterId)
    if (!standing) throw unknownClaim()
    const { enrolment } = standing
    const { cluster, clusterUid } = enrolment
    const boundKey = Buffer.from(enrolment.boundKey, 'base64url')
    switch (standing.state) {
      case 'pending':
        return create(ClaimResponseSchema, { pending: true, retrySeconds: pendingRetrySeconds })
      case 'barred':
        throw new HubError('token_refused', `${standing.why}; ask an operator of the hub`)
      case 'enrolled': {
        const publicKey = await authority.readRequest(certificateRequest)
        const key = digestOf(publicKey)
        // The answer got lost: the same again, which passes only while it was never used.
        const again = enrolment.claimedKey === key
        const series = seriesOf(enrolment) + (again ? 0 : 1)
        if (series > recoverableOf(enrolment)) {
          throw new HubError(
            'token_refused',
            `${cluster} has recovered as often as it may by itself; an operator can allow it once more: swell cluster recover ${cluster}`,
          )
        }
        // Somebody compared the fingerprint, and it covers the key that it was approved with.
        const first = series === 1 && enrolment.fingerprint !== undefined
        if (first && fingerprintOf({ boundKey, clusterUid }, publicKey) !== enrolment.fingerprint) {
          throw new HubError(
            'token_refused',
            'the first certificate is for the key that was approved',
          )
        }
        if (!again) await record.recover(enrolment, series, key)
        const issued = await authority.issue(publicKey, clusterId, { series, generation: 1 })
        return create(ClaimResponseSchema, {
          certificateChain: issued.chain,
          generation: 1n,
          hubCa: authority.certificate,
          dataAddress: options.dataAddress(),
        })
      }
    }
  }

  return { begin, enrol, claim }
}

/** A token and a cluster never have one challenge in common. */
function subjectOf({ tokenId, clusterId }: Pick<BeginRequest, 'tokenId' | 'clusterId'>): string {
  return clusterId ? `cluster|${clusterId}` : `token|${tokenId}`
}

function refused(): HubError {
  return new HubError(
    'token_refused',
    'the join token is unknown, expired or already used; make a new one with `swell cluster token`',
  )
}

function unknownClaim(): HubError {
  return new HubError(
    'token_refused',
    'the hub knows no such cluster by this key; join it again with a token from `swell cluster token`',
  )
}

function fingerprintOf(
  { boundKey, clusterUid }: { readonly boundKey: Uint8Array; readonly clusterUid: string },
  certificateKey: Uint8Array,
): string {
  return enrolmentFingerprint({ boundKey, certificateKey, clusterUid })
}

function isUid(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text)
}

/** `ipv4:1.2.3.4:5678`, `[::1]:5678`: the address without the port, which is another each time. */
function hostOf(peer: string): string {
  return peer.slice(0, Math.max(peer.lastIndexOf(':'), 0)) || peer
}

function holdsKey(boundKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(boundKey).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, text, key, signature)
}
