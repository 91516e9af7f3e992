import { envelopeLimits } from '@groundswell/proto/envelope.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import { HubError } from '../errors.ts'
import type { SignedRoot } from './root.ts'

/** What will go wrong with a root statement unless somebody makes the next one. */
export interface RootWarning {
  readonly code:
    | 'root_expired'
    | 'root_expires_within_7_days'
    | 'root_expires_within_30_days'
    | 'root_large'
    | 'root_behind'
  readonly message: string
}

const dayMs = 24 * 3600 * 1000
/** Share of the limit from which a root statement is called large, in percent. */
const largePercent = 80

/**
 * Warnings about the newest root statement: one that runs out stops all new content (T17), and one
 * that is past its limit cannot be published. A signer that lost one which was published, as with keys of an
 * older backup, goes on with keys that agents may refuse. `now` in milliseconds; `published`: the newest version
 * in the ledger, 0 for none.
 */
export function listRootWarnings(signed: SignedRoot, now: number, published = 0): RootWarning[] {
  return [...listExpiry(signed, now), ...listSize(signed), ...listLost(signed, published)]
}

function listLost({ root }: SignedRoot, published: number): RootWarning[] {
  if (published <= root.version) return []
  const message = `root statement version ${published} was published, and the signer has version ${root.version}: agents refuse what a key signs that the newer one dropped; put the keys that it names into the signer's keys directory, and publish it again (\`swell trust publish\`)`
  return [{ code: 'root_behind', message }]
}

function listExpiry({ root }: SignedRoot, now: number): RootWarning[] {
  const left = root.expiresAt * 1000 - now
  const day = new Date(root.expiresAt * 1000).toISOString().slice(0, 10)
  const mend = 'publish the next one (`swell trust rotate`)'
  if (left <= 0) {
    const message = `the root statement expired on ${day}: agents take no new content; ${mend}`
    return [{ code: 'root_expired', message }]
  }
  if (left > 30 * dayMs) return []
  const days = Math.floor(left / dayMs)
  const message = `the root statement expires on ${day}, in ${days} days: after that agents take no new content; ${mend}`
  const urgent = left <= 7 * dayMs
  return [{ code: urgent ? 'root_expires_within_7_days' : 'root_expires_within_30_days', message }]
}

/**
 * Refuses what no agent would read, before anybody signs it any further.
 *
 * @throws HubError `root_refused`
 */
export function checkRootSize(root: Root, envelope: Uint8Array): void {
  const limit = envelopeLimits.bytes.root
  if (envelope.byteLength <= limit) return
  throw new HubError(
    'root_refused',
    `the root statement takes ${envelope.byteLength} bytes of ${limit}: its policies name ${countNames(root)} clusters; ask for all by *, or for fewer`,
  )
}

function countNames({ policies }: Root): number {
  return policies.reduce((sum, { clusters }) => sum + clusters.length, 0)
}

function listSize({ root, envelope }: SignedRoot): RootWarning[] {
  const percent = Math.round((envelope.byteLength * 100) / envelopeLimits.bytes.root)
  if (percent < largePercent) return []
  const message = `the root statement takes ${percent} % of its ${envelopeLimits.bytes.root} bytes: its policies name ${countNames(root)} clusters; ask for all by *, or for fewer`
  return [{ code: 'root_large', message }]
}
