import { sign } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  boundText,
  enrolmentFingerprint,
  enrolProof,
  parseJoinToken,
  secretKey,
} from '@groundswell/proto/enrol.ts'
import {
  BeginRequestSchema,
  EnrolRequestSchema,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'
import type { Identity } from '../trust/state.ts'
import { verifyRoot } from '../trust/verify.ts'
import type { Endpoint, EnrolCalls } from './grpc.ts'
import type { AgentKey } from './x509.ts'

/** Everything joining gives an agent; kept in its data directory. */
export interface Enrolled {
  readonly identity: Identity
  readonly endpoint: Endpoint
  /** Ed25519 PKCS#8 PEM; bound to this agent for life. */
  readonly boundKey: string
  readonly root: { readonly envelope: Uint8Array; readonly statement: Root }
  /** Of the certificate; 0 while there is none. */
  readonly generation: number
  /** Somebody has to approve the fingerprint first: there is no certificate yet. */
  readonly pending: boolean
  readonly fingerprint: string
  /** Ids that agents of this cluster had before. */
  readonly formerIds: readonly string[]
}

/** A hub tells as many. */
const formerIdsKept = 16

/**
 * Joins the fleet with a one-use token: the hub's CA and the root
 * statement are those the token pins, and the token's secret itself never travels.
 *
 * @param expected name of this cluster, as whoever installs the agent knows it: approvals are asked for
 *   by name, and a hub that was taken over would choose one that nobody asks for
 * @throws AgentError `token_refused`, `hub_unreachable`, `hub_untrusted`
 */
export async function enrol(
  tokenText: string,
  clusterUid: string,
  agentKey: AgentKey,
  agentVersion: string,
  dialHub: (caPin: string) => Promise<EnrolCalls>,
  expected?: string,
): Promise<Enrolled> {
  const token = readToken(tokenText)
  const { bound, certificateRequest } = agentKey
  const boundPublic = Buffer.from(bound.publicKey.export({ format: 'jwk' }).x!, 'base64url')
  const calls = await dialHub(token.caPin)
  try {
    const { tokenId } = token
    const { nonce } = await calls.begin(create(BeginRequestSchema, { tokenId }))
    const proof = enrolProof(secretKey(token.secret), {
      caPin: token.caPin,
      certificateRequest,
      boundKey: boundPublic,
      clusterUid,
      nonce,
    })
    const answer = await calls.enrol(
      create(EnrolRequestSchema, {
        tokenId,
        certificateRequest: Uint8Array.from(certificateRequest),
        boundKey: Uint8Array.from(boundPublic),
        clusterUid,
        proof: Uint8Array.from(proof),
        boundSignature: Uint8Array.from(sign(null, boundText(nonce), bound.privateKey)),
        agentVersion,
        nonce,
      }),
    )
    if (digestOf(answer.root) !== token.rootDigest) {
      throw new AgentError('hub_untrusted', 'the hub sent a root other than the token pins')
    }
    if (expected !== undefined && answer.cluster !== expected) {
      throw new AgentError(
        'hub_untrusted',
        `the hub knows this cluster as ${JSON.stringify(answer.cluster.slice(0, 253))}, not as ${expected}; its token is used up now: make one for the right name (\`swell cluster token NAME\`), and give that as --cluster`,
      )
    }
    const statement = await verifyRoot(answer.root)
    return {
      identity: {
        fleet: statement.fleet,
        cluster: answer.cluster,
        clusterId: answer.clusterId,
        clusterUid,
      },
      endpoint: {
        address: answer.dataAddress,
        hubCa: answer.hubCa,
        certificateChain: answer.certificateChain,
        key: agentKey.key,
      },
      boundKey: bound.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      root: { envelope: answer.root, statement },
      generation: Number(answer.generation),
      pending: answer.pending,
      formerIds: answer.formerIds.slice(-formerIdsKept),
      fingerprint: enrolmentFingerprint({
        boundKey: boundPublic,
        certificateKey: agentKey.publicKey,
        clusterUid,
      }),
    }
  } finally {
    calls.close()
  }
}

function readToken(text: string) {
  try {
    return parseJoinToken(text)
  } catch (cause) {
    throw new AgentError('token_refused', (cause as Error).message, { cause })
  }
}
