import type { ObjectId } from '@groundswell/proto/object-id.ts'
import type { Resource } from './port.ts'

/** `/apis/apps/v1`, or `/api/v1` for the core group. */
export function groupVersionPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}

/** What says in which versions a named group is served. */
export function groupPath(group: string): string {
  return `/apis/${encodeURIComponent(group)}`
}

export function apiVersionOf(resource: Resource): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version
}

/** Every object of a kind, or those of one namespace. */
export function collectionPath(resource: Resource, namespace = ''): string {
  const base = groupVersionPath(apiVersionOf(resource))
  return namespace && resource.namespaced
    ? `${base}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`
    : `${base}/${resource.plural}`
}

export function objectPath(resource: Resource, id: ObjectId): string {
  return `${collectionPath(resource, id.namespace)}/${encodeURIComponent(id.name)}`
}
