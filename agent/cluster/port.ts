import type { ObjectId } from '@groundswell/proto/object-id.ts'

/** A live object as the API server sent it. Numbers are kept as JSON.parse reads them. */
export interface LiveObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly generation?: number
    readonly deletionTimestamp?: string
    readonly finalizers?: readonly string[]
    readonly ownerReferences?: readonly OwnerReference[]
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly managedFields?: readonly ManagedFields[]
  }
  readonly [member: string]: unknown
}

/** What an object goes with: the API server deletes it when that one is deleted. */
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  /** True of the one that manages it. */
  readonly controller?: boolean
}

export interface ManagedFields {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion?: string
  readonly subresource?: string
  /** RFC 3339, to the second. */
  readonly time?: string
  readonly fieldsV1?: Readonly<Record<string, unknown>>
}

/** A kind the API server serves. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

export interface ApplyOptions {
  readonly fieldManager: string
  readonly force: boolean
  /** Ask what it would come to, and change nothing. */
  readonly dryRun?: boolean
}

export interface ApplyAnswer {
  /** As stored. */
  readonly object: LiveObject
  /** It was not there before; false as well where an answer was lost and it was asked again. */
  readonly created: boolean
}

export interface Labelled {
  readonly id: ObjectId
  /** Its kind and version are those of the list. */
  readonly metadata: LiveObject['metadata']
}

/** What was found of all kinds. */
export interface LabelledLook {
  readonly objects: readonly Labelled[]
  /** Of each kind that could not be looked through, why. */
  readonly unseen: readonly string[]
}

export type WatchEvent =
  | { readonly type: 'added' | 'modified' | 'deleted'; readonly object: LiveObject }
  /** One page of a list that is being read: no more of it is in memory at once. */
  | { readonly type: 'listed'; readonly objects: readonly LiveObject[] }
  /** The full list was read anew: whatever is not among these objects does not exist. */
  | { readonly type: 'synced'; readonly ids: ReadonlySet<string> }
  /** Neither a list nor a watch was to be had for so long that what was told before may be old. */
  | { readonly type: 'lost'; readonly reason: string }

/**
 * The agent's only door to Kubernetes. Bodies are raw bytes: nothing is dropped or rewritten.
 * Every call throws AgentError: `kind_unknown`, `apply_*`, `prune_*`, `cluster_unreachable`.
 */
export interface Cluster {
  /** UID of the kube-system namespace. */
  uid(signal: AbortSignal): Promise<string>
  facts(
    signal: AbortSignal,
  ): Promise<{ kubernetesVersion: string; nodes: number; apis?: readonly string[] }>
  /** How a kind is served; asks the API server again when a kind is new. */
  resource(apiVersion: string, kind: string, signal: AbortSignal): Promise<Resource>
  /** A kind in any version that its group is served in; undefined when it is served in none. */
  servedAs(group: string, kind: string, signal: AbortSignal): Promise<Resource | undefined>
  get(resource: Resource, id: ObjectId, signal: AbortSignal): Promise<LiveObject | undefined>
  /** Server-side apply of one object's JSON text. */
  apply(
    resource: Resource,
    id: ObjectId,
    json: string,
    options: ApplyOptions,
    signal: AbortSignal,
  ): Promise<ApplyAnswer>
  /** What `apply` would answer, and the warnings that come with it; nothing is written. */
  dryRun(
    resource: Resource,
    id: ObjectId,
    json: string,
    options: ApplyOptions,
    signal: AbortSignal,
  ): Promise<{ readonly object: LiveObject; readonly warnings: readonly string[] }>
  /**
   * Deletes when the uid still matches; an object that is already gone is fine. Returns what is
   * left for now: an object that waits for its finalizers or its grace period. With `version`, throws
   * `apply_conflict` where it has changed since.
   */
  delete(
    resource: Resource,
    id: ObjectId,
    uid: string,
    signal: AbortSignal,
    version?: string,
  ): Promise<LiveObject | undefined>
  /** Takes our labels and annotations off an object and leaves all else; gone or replaced is fine. */
  disown(
    resource: Resource,
    id: ObjectId,
    uid: string,
    marks: { readonly labels: readonly string[]; readonly annotations: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>
  /** Replaces an object's field owners, if it is still as it was read. */
  setManagedFields(
    resource: Resource,
    id: ObjectId,
    read: LiveObject,
    managedFields: readonly ManagedFields[],
    signal: AbortSignal,
  ): Promise<void>
  /**
   * The same cluster, where objects are read and written in the name of a ServiceAccount
   * (`namespace/name`) and with its rights. Watches and discovery stay the agent's.
   */
  as(serviceAccount: string): Cluster
  /** What a namespace holds that would die with it, Kubernetes' own furniture left out. */
  occupants(namespace: string, signal: AbortSignal): Promise<readonly ObjectId[]>
  /** Objects of the kind that a live definition makes, those that go left out. */
  instances(definition: LiveObject, signal: AbortSignal): Promise<readonly ObjectId[]>
  /**
   * Objects of any kind that bear a label with one of these values, metadata alone; without those of kinds that may
   * not be listed, or that nobody answers for.
   */
  labelled(label: string, values: readonly string[], signal: AbortSignal): Promise<LabelledLook>
  /** Some pods of a namespace, by a label selector. */
  pods(
    namespace: string,
    labelSelector: string,
    signal: AbortSignal,
  ): Promise<readonly LiveObject[]>
  /** Some warnings about the object of a uid. */
  events(namespace: string, uid: string, signal: AbortSignal): Promise<readonly LiveObject[]>
  /** List then watch, for ever, of objects with a label; ends when the signal does. */
  watch(resource: Resource, labelSelector: string, signal: AbortSignal): AsyncIterable<WatchEvent>
  /** Drops cached discovery, after CRDs were applied. */
  forgetResources(): void
  close(): Promise<void>
}
