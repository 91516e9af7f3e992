import type { AssignedManifest } from './hub.ts'
import type { ObjectsView } from './views.ts'
import { viewDrift } from '../status/drift-view.ts'

/** A manifest joined with what the agent last said of each of its objects. */
export function viewObjects(
  cluster: string,
  application: string,
  assigned: AssignedManifest,
): ObjectsView {
  const { digest, revision, manifest, status } = assigned
  const unhealthy = new Map(status?.unhealthy.map((one) => [one.object, one]))
  const errors = new Map(status?.errors.map((one) => [one.object, one]))
  const drift = new Map(status?.drift.map((one) => [one.object, one]))
  // Agents name only the unhealthy objects: the rest are Current, if they run this very manifest.
  const rest = status?.digest === digest && status.phase === 'Applied' ? 'Current' : null
  return {
    cluster,
    application,
    digest,
    revision,
    reportedDigest: status?.digest ?? null,
    objects: manifest.objects.map((object) => {
      const found = drift.get(object.id)
      const faulty = unhealthy.get(object.id)
      return {
        ...object,
        health: faulty?.health ?? rest,
        message: errors.get(object.id)?.message ?? faulty?.message ?? '',
        drift: found ? viewDrift(found) : null,
      }
    }),
  }
}
