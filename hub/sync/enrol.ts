import { createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import {
  type BeginRequest,
  BeginResponseSchema,
  type EnrolRequest,
  EnrolResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { enrolProof } from '@groundswell/proto/enrol.ts'
import { type MessageInitShape, create } from '@bufbuild/protobuf'
import { HubError } from '../errors.ts'
import type { Enrolment, JoinTokenRecord } from '../ledger/entry.ts'
import type { Authority } from './x509.ts'

/** What enrolment needs of the hub's record. */
export interface EnrolmentRecord {
  token(tokenId: string): JoinTokenRecord | undefined
  enrolments(): Iterable<Enrolment>
  /** Consumes the token and records the cluster, in one ledger entry; false when it was used. */
  enrol(tokenId: string, enrolment: Enrolment): Promise<boolean>
}

export interface EnrolOptions {
  readonly record: EnrolmentRecord
  readonly authority: Authority
  readonly root: Uint8Array
  readonly dataAddress: () => string
  readonly clock: () => number
  /** That many bytes nobody can guess. */
  readonly random: (bytes: number) => Buffer
  /** For the cluster, never used before. */
  readonly newId: () => string
}

const nonceLifeMs = 60_000
const openNonces = 1_000
/** Wrong proofs after which a token is dead. */
const proofAttempts = 5

/** The two calls of the enrol listener. Unknown, expired and used tokens get the same answer. */
export function createEnrolment(options: EnrolOptions) {
  const { record, authority, root, dataAddress, clock } = options
  const nonces = new Map<string, { nonce: Buffer; expiresAt: number }>()
  const failures = new Map<string, number>()

  function begin(request: BeginRequest) {
    for (const [id, { expiresAt }] of nonces) if (expiresAt < clock()) nonces.delete(id)
    if (nonces.size >= openNonces) {
      throw new HubError('token_refused', 'too many joins at once; try again in a minute')
    }
    const nonce = options.random(32)
    nonces.set(request.tokenId, { nonce, expiresAt: clock() + nonceLifeMs })
    return create(BeginResponseSchema, { nonce })
  }

  async function enrol(request: EnrolRequest) {
    const token = checkToken(request)
    const known = [...record.enrolments()]
    const twin = known.find(
      (other) => other.clusterUid === request.clusterUid && other.cluster !== token.cluster,
    )
    if (twin) {
      throw new HubError('token_refused', `this cluster is already enrolled as ${twin.cluster}`)
    }
    const clusterId = options.newId()
    const certificateChain = await authority.issue(request.certificateRequest, clusterId)
    const enrolment: Enrolment = {
      cluster: token.cluster,
      clusterId,
      clusterUid: request.clusterUid,
      boundKey: Buffer.from(request.boundKey).toString('base64url'),
      enrolledAt: clock(),
    }
    if (!(await record.enrol(token.tokenId, enrolment))) throw refused()
    const response: MessageInitShape<typeof EnrolResponseSchema> = {
      cluster: token.cluster,
      clusterId,
      certificateChain,
      hubCa: authority.certificate,
      dataAddress: dataAddress(),
      root: Uint8Array.from(root),
    }
    return create(EnrolResponseSchema, response)
  }

  function checkToken(request: EnrolRequest): JoinTokenRecord {
    const open = nonces.get(request.tokenId)
    nonces.delete(request.tokenId)
    const token = record.token(request.tokenId)
    const failed = failures.get(request.tokenId) ?? 0
    if (!open || open.expiresAt < clock() || !token || token.expiresAt < clock()) throw refused()
    if (failed >= proofAttempts) throw refused()
    if (!/^[0-9a-f-]{36}$/.test(request.clusterUid) || request.boundKey.byteLength !== 32) {
      throw new HubError('token_refused', 'the request names no cluster or key')
    }
    const expected = enrolProof(Buffer.from(token.key, 'hex'), {
      caPin: authority.pin,
      certificateRequest: request.certificateRequest,
      boundKey: request.boundKey,
      clusterUid: request.clusterUid,
      nonce: open.nonce,
    })
    const proven =
      request.proof.byteLength === expected.byteLength && timingSafeEqual(request.proof, expected)
    if (!proven || !holdsKey(request, open.nonce)) {
      failures.set(request.tokenId, failed + 1)
      throw refused()
    }
    return token
  }

  return { begin, enrol }
}

function refused(): HubError {
  return new HubError(
    'token_refused',
    'the join token is unknown, expired or already used; make a new one with `swell cluster token`',
  )
}

function holdsKey(request: EnrolRequest, nonce: Uint8Array): boolean {
  const x = Buffer.from(request.boundKey).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, nonce, key, request.boundSignature)
}
