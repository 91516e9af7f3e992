import { isDigest } from '@groundswell/proto/digest.ts'
import { createAllowance } from '../allowance.ts'
import { HubError } from '../errors.ts'
import type { Enrolment } from '../ledger/entry.ts'
import type { AuditHead, Signer } from '../signer/signer.ts'
import type { AgentPosition } from './offer.ts'

export interface FreshnessDeps {
  readonly signer: Pick<Signer, 'freshness'>
  readonly auditHead: () => AuditHead | null
  /** A statement was made for a cluster; it lives until then, in milliseconds. */
  readonly onGiven: (cluster: string, until: number) => void
  readonly onFailed: (cluster: string, error: HubError) => void
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
}

/** Statements that a cluster may ask for at once, and one more for each of these milliseconds. */
const burst = 10
const refillMs = 6_000
const nonceBytes = { least: 16, most: 64 } as const

/** Answers agents that ask whether what they have is the newest; more often than makes sense, not at all. */
export function createFreshness(deps: FreshnessDeps) {
  /** By cluster, over streams: dialling again gives nobody more. */
  const mayAsk = createAllowance({ burst, refillMs, monotonic: deps.monotonic })

  return async function freshnessFor(
    { cluster, clusterId }: Enrolment,
    nonce: Uint8Array,
    at: AgentPosition,
  ): Promise<Uint8Array | null> {
    if (nonce.byteLength < nonceBytes.least || nonce.byteLength > nonceBytes.most) {
      throw new HubError('invalid', 'a nonce has 16 to 64 bytes')
    }
    if (!mayAsk(cluster)) return null
    try {
      const { envelope, expiresAt } = await deps.signer.freshness({
        clusterId,
        nonce: Buffer.from(nonce).toString('base64url'),
        at: { ...at, digest: isDigest(at.digest) ? at.digest : null },
        auditHead: deps.auditHead(),
      })
      deps.onGiven(cluster, expiresAt * 1000)
      return envelope
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      deps.onFailed(cluster, error)
      return null
    }
  }
}
