import assert from 'node:assert/strict'
import { digestOf } from '@groundswell/proto/digest.ts'
import { parseEnvelope } from '@groundswell/proto/envelope.ts'
import { parseSnapshot } from '@groundswell/proto/snapshot.ts'

/** What every agent was ever offered: cluster, epoch and sequence → digests. */
export function createOfferRecord() {
  const offered = new Map<string, Set<string>>()
  return {
    note(cluster: string, envelope: Uint8Array): void {
      const payload = Buffer.from(parseEnvelope(envelope, 'snapshot').payload, 'base64url')
      const { epoch, sequence } = parseSnapshot(payload)
      const key = `${cluster} ${epoch}.${sequence}`
      offered.set(key, (offered.get(key) ?? new Set()).add(digestOf(payload)))
    },
    /** I3: one content for one sequence, whoever signed it. */
    assertOneEach(): void {
      for (const [key, digests] of offered) assert.equal(digests.size, 1, key)
    },
  }
}
