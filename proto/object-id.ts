/** Names one Kubernetes object for good: no version, so an API upgrade does not make a new object of it. */
export interface ObjectId {
  /** Empty for the core group. */
  readonly group: string
  readonly kind: string
  /** Empty for cluster-scoped objects. */
  readonly namespace: string
  readonly name: string
}

/** `group/kind/namespace/name`; empty parts stay empty: `/Namespace//shop`. */
export function formatObjectId(id: ObjectId): string {
  return `${id.group}/${id.kind}/${id.namespace}/${id.name}`
}

/** @throws TypeError when the text has not exactly four parts, or no kind or name. */
export function parseObjectId(text: string): ObjectId {
  const parts = text.split('/')
  const [group, kind, namespace, name] = parts
  if (parts.length !== 4 || !kind || !name) throw new TypeError(`not an object id: ${text}`)
  return { group: group ?? '', kind, namespace: namespace ?? '', name }
}

/** Group of an `apiVersion`: `apps/v1` → `apps`, `v1` → ``. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}

/** Words for people: `Deployment shop/web`, `Namespace shop`. */
export function describeObject(id: ObjectId): string {
  return id.namespace ? `${id.kind} ${id.namespace}/${id.name}` : `${id.kind} ${id.name}`
}
