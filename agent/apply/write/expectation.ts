import { findIgnored, type Ignored } from '@groundswell/proto/ignore-rule.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import { parseObjectId } from '@groundswell/proto/object-id.ts'
import type { InventoryEntry } from '../inventory/inventory.ts'
import type { Expectation } from '../../observe/object-record.ts'
import type { VerifiedApplication } from '../../trust/verified.ts'

/** What the observer is to hold a live object against. */
export function expectationOf(
  application: VerifiedApplication,
  id: string,
  apiVersion: string,
  fieldsHash: string,
  { missingSince, ended }: Pick<InventoryEntry, 'missingSince' | 'ended'> = {},
): Expectation {
  const { name } = application
  if (application.state !== 'present') return { application: name, apiVersion, fieldsHash }
  const { manifest } = application
  return {
    application: name,
    apiVersion,
    fieldsHash,
    ignored: ignoredOf(manifest, id),
    healthChecks: manifest.healthChecks,
    missingSince,
    ended,
  }
}

const known = new WeakMap<Manifest, Map<string, Ignored | undefined>>()

/** What the manifest leaves to others of an object, where it lives; found once, since it is asked often. */
export function ignoredOf(manifest: Manifest, id: string): Ignored | undefined {
  if (!manifest.ignore) return undefined
  let mine = known.get(manifest)
  if (!mine) known.set(manifest, (mine = new Map()))
  if (!mine.has(id)) mine.set(id, findIgnored(manifest.ignore, parseObjectId(id)))
  return mine.get(id)
}
