import { type Static, Type } from 'typebox'
import { parseObjectId } from '@groundswell/proto/object-id.ts'
import { viewDrift } from '../status/drift-view.ts'
import type { AssignedManifest } from './hub.ts'
import type { Page } from './page.ts'
import { type Frozen, DigestOrNull, DigestText, Health, ObjectDriftView, orNull } from './views.ts'

/* A manifest joined with what the agent last said of each of its objects. */

const Count = Type.Integer({ minimum: 0 })

export const ObjectView = Type.Object({
  id: Type.String({ description: 'group/kind/namespace/name' }),
  apiVersion: Type.String(),
  digest: DigestText,
  size: Count,
  file: Type.String(),
  health: orNull(Health),
  message: Type.String(),
  drift: Type.Union([ObjectDriftView, Type.Null()]),
})

const KindView = Type.Object({
  group: Type.String({ description: 'empty for the core group' }),
  kind: Type.String(),
  objects: Count,
  unwell: Type.Integer({ minimum: 0, description: 'not Current, or different from Git' }),
})

export const ObjectsView = Type.Object(
  {
    cluster: Type.String(),
    application: Type.String(),
    digest: DigestText,
    revision: Type.String(),
    reportedDigest: DigestOrNull,
    kinds: Type.Array(KindView, { description: 'of the whole manifest, whatever page this is' }),
    items: Type.Array(ObjectView, { description: 'by id' }),
    continue: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' }),
  },
  {
    $id: 'ObjectsView',
    description:
      'Objects of one application on one cluster, with what the agent says of each of them.',
  },
)

export type ObjectView = Frozen<Static<typeof ObjectView>>
export type ObjectsView = Frozen<Static<typeof ObjectsView>>

/** All of them, by id. */
export function listObjects({ digest, manifest, status }: AssignedManifest): ObjectView[] {
  const unhealthy = new Map(status?.unhealthy.map((one) => [one.object, one]))
  const errors = new Map(status?.errors.map((one) => [one.object, one]))
  const drift = new Map(status?.drift.map((one) => [one.object, one]))
  // Agents name only the unhealthy objects: the rest are Current, if they run this very manifest.
  const rest = status?.digest === digest && status.phase === 'Applied' ? 'Current' : null
  return manifest.objects.map(({ id, apiVersion, digest: blob, size, file }) => {
    const found = drift.get(id)
    const faulty = unhealthy.get(id)
    return {
      ...{ id, apiVersion, digest: blob, size, file },
      health: faulty?.health ?? rest,
      message: errors.get(id)?.message ?? faulty?.message ?? '',
      drift: found ? viewDrift(found) : null,
    }
  })
}

export function viewObjects(
  cluster: string,
  application: string,
  { digest, revision, status }: AssignedManifest,
  { all, page }: { readonly all: readonly ObjectView[]; readonly page: Page<ObjectView> },
): ObjectsView {
  return {
    ...{ cluster, application, digest, revision },
    reportedDigest: status?.digest ?? null,
    kinds: countKinds(all),
    items: page.items,
    continue: page.continue,
  }
}

/** Whether somebody has to look at it. */
export function isUnwell({ health, drift }: ObjectView): boolean {
  return health !== 'Current' || drift !== null
}

function countKinds(objects: readonly ObjectView[]): ObjectsView['kinds'] {
  const counted = new Map<string, { objects: number; unwell: number }>()
  for (const object of objects) {
    const { group, kind } = parseObjectId(object.id)
    const name = `${group}/${kind}`
    const { objects: before = 0, unwell = 0 } = counted.get(name) ?? {}
    counted.set(name, { objects: before + 1, unwell: unwell + (isUnwell(object) ? 1 : 0) })
  }
  return [...counted].sort(byName).map(([name, counts]) => {
    const slash = name.lastIndexOf('/')
    return { group: name.slice(0, slash), kind: name.slice(slash + 1), ...counts }
  })
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}
