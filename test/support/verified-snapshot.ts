import type { Digest } from '@groundswell/proto/digest.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { encodeManifest, type Manifest } from '@groundswell/proto/manifest.ts'
import { formatObjectId, groupOf } from '@groundswell/proto/object-id.ts'
import type { Sparing } from '@groundswell/proto/statement.ts'
import { orderObjects } from '../../hub/bundle/object-order.ts'
import type {
  VerifiedPresent,
  VerifiedRemoved,
  VerifiedSnapshot,
} from '../../agent/trust/verified.ts'

export interface TestObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly [member: string]: unknown
  }
  readonly [member: string]: unknown
}

/**
 * An application as `verify.ts` would hand it over, for tests of what comes after. What its
 * objects’ annotations ask is read as the hub reads it.
 */
export function presentApplication(
  name: string,
  objects: readonly TestObject[],
  changes: Partial<Manifest> & Sparing & { readonly generation?: number } = {},
): VerifiedPresent {
  const { generation = 1, leave, undo, ...rest } = changes
  const blobs = new Map<Digest, Uint8Array>()
  const manifest: Manifest = {
    v: 1,
    application: name,
    targetNamespace: '',
    prune: { enabled: true, allowEmpty: false },
    drift: 'correct',
    deletionPolicy: 'Delete',
    objects: orderObjects(objects.map(toRendered), {
      application: name,
      targetNamespace: rest.targetNamespace ?? '',
    })
      .objects.map(({ rendered: { id, apiVersion, json }, rules }) => {
        const bytes = Buffer.from(json)
        const digest = digestOf(bytes)
        blobs.set(digest, bytes)
        return {
          id: formatObjectId(id),
          apiVersion,
          digest,
          size: bytes.byteLength,
          file: `${id.name}.yaml`,
          ...(Object.keys(rules).length > 0 && { rules }),
        }
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    ...rest,
  }
  return {
    state: 'present',
    name,
    generation,
    revision: 'main@sha1:test',
    manifestDigest: digestOf(encodeManifest(manifest)),
    manifest,
    read: async (digest: Digest) => {
      const bytes = blobs.get(digest)
      if (!bytes) throw new Error(`no content ${digest}`)
      return bytes
    },
    ...(leave && { leave }),
    ...(undo && { undo }),
  } as unknown as VerifiedPresent
}

function toRendered(object: TestObject) {
  const { name, namespace = '' } = object.metadata
  const group = groupOf(object.apiVersion)
  return {
    id: { group, kind: object.kind, namespace, name },
    apiVersion: object.apiVersion,
    json: JSON.stringify(object),
    file: '',
  }
}

export function removedApplication(
  name: string,
  deletionPolicy: 'Delete' | 'Orphan' = 'Delete',
  generation = 2,
  sparing: Sparing = {},
): VerifiedRemoved {
  return {
    state: 'removed',
    name,
    generation,
    deletionPolicy,
    ...sparing,
  } as unknown as VerifiedRemoved
}

export function verifiedSnapshot(
  ...applications: readonly (VerifiedPresent | VerifiedRemoved)[]
): VerifiedSnapshot {
  const names = applications.map(({ name, generation }) => `${name}@${generation}`).join()
  return { snapshot: {}, digest: digestOf(names), applications } as unknown as VerifiedSnapshot
}
