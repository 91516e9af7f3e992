import type { ObjectReceipt } from '@groundswell/proto/receipt.ts'
import type { Applied } from '../../receipts.ts'
import type { VerifiedApplication, VerifiedSnapshot } from '../../trust/verified.ts'
import type { ApplyResult } from '../deps.ts'

/** What a run came to, as a receipt tells it; `versionOf` knows what the API server has. */
export function toApplied(
  wanted: VerifiedApplication,
  snapshot: VerifiedSnapshot,
  result: ApplyResult,
  versionOf: (id: string) => string,
): Applied {
  const { epoch, sequence } = snapshot.snapshot
  const failed = result.errors.length > 0
  const done = wanted.state === 'present' ? 'applied' : 'removed'
  return {
    snapshot: { digest: snapshot.digest, epoch, sequence },
    application: wanted.name,
    generation: wanted.generation,
    content: wanted.state === 'present' ? wanted.manifestDigest : 'removed',
    outcome: failed ? 'failed' : done,
    objects: () => listObjects(result, versionOf),
  }
}

/** Each once, by id. */
function listObjects(
  { inventory, changed, repaired, pruned, errors }: ApplyResult,
  versionOf: (id: string) => string,
): readonly ObjectReceipt[] {
  const written = new Set([...changed, ...repaired])
  const codes = new Map(errors.map(({ object, code }) => [object, code]))
  const gone = new Set(pruned)
  const ids = new Set([...inventory.keys(), ...codes.keys(), ...gone])
  return [...ids].sort().map((object) => {
    const code = codes.get(object) ?? ''
    const result = code
      ? 'failed'
      : gone.has(object)
        ? 'deleted'
        : written.has(object)
          ? 'applied'
          : 'unchanged'
    return { object, result, resourceVersion: gone.has(object) ? '' : versionOf(object), code }
  })
}
