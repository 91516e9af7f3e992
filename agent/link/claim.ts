import { createPrivateKey, sign } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { claimText } from '@groundswell/proto/enrol.ts'
import {
  BeginRequestSchema,
  ClaimRequestSchema,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import type { EnrolCalls } from './grpc.ts'
import type { StoredIdentity } from './identity.ts'

export type Claimed =
  | { readonly pending: true; readonly retryMs: number }
  | {
      readonly pending: false
      readonly certificateChain: string
      readonly hubCa: string
      readonly generation: number
      readonly dataAddress: string
    }

/**
 * Asks for a certificate by the key that was bound at joining: the first one, once somebody
 * approved, or a new one after the old one expired or was replaced.
 *
 * @throws AgentError `token_refused` with what an operator has to do, `hub_busy`, `hub_unreachable`
 */
export async function claim(
  { identity, boundKey }: StoredIdentity,
  certificateRequest: Uint8Array,
  calls: EnrolCalls,
): Promise<Claimed> {
  const { clusterId, clusterUid } = identity
  const { nonce } = await calls.begin(create(BeginRequestSchema, { clusterId }))
  const text = claimText({ clusterId, clusterUid, certificateRequest, nonce })
  const answer = await calls.claim(
    create(ClaimRequestSchema, {
      clusterId,
      clusterUid,
      certificateRequest: Uint8Array.from(certificateRequest),
      boundSignature: Uint8Array.from(sign(null, text, createPrivateKey(boundKey))),
      nonce,
    }),
  )
  if (answer.pending) {
    return { pending: true, retryMs: Math.min(300, Math.max(1, answer.retrySeconds)) * 1000 }
  }
  const { certificateChain, hubCa, dataAddress } = answer
  return {
    pending: false,
    certificateChain,
    hubCa,
    generation: Number(answer.generation),
    dataAddress,
  }
}
