import type { ObjectId } from '@groundswell/proto/object-id.ts'
import type { Patch } from '../fleet/kinds/patch.ts'
import type { AskedFacts } from './asked-facts.ts'

/** Everything a render may depend on. Two inputs with the same digest give the same objects. */
export interface RenderInput {
  readonly kind: 'directory' | 'kustomize' | 'helm'
  /** Git tree id of `root`: stands for the files' content. */
  readonly treeId: string
  /** Directory within the tree to render; `.` for its root. The tree may hold more, for bases beside it. */
  readonly path: string
  readonly directory: {
    readonly recurse: boolean
    readonly include: readonly string[]
    readonly exclude: readonly string[]
  }
  readonly helm: {
    readonly releaseName: string
    /** Merged inline values (target over application); files come first, in order. */
    readonly values: Readonly<Record<string, unknown>>
    /** Paths relative to the tree's root. */
    readonly valuesFiles: readonly string[]
    /** `1.35.4`; empty for the engine's default. */
    readonly kubeVersion: string
    readonly apiVersions: readonly string[]
    /** The versions are all that the cluster serves, not something beside the usual. */
    readonly served?: boolean
  }
  /** Entries of kustomizations that stand for a directory of the tree: bases of other repositories. */
  readonly bases?: Readonly<Record<string, string>>
  readonly patches: readonly Patch[]
  /** Helm's release namespace; given to namespaced objects that name none. Empty: none. */
  readonly namespace: string
  readonly createNamespace: boolean
}

/** One object as Kubernetes will read it. */
export interface RenderedObject {
  readonly id: ObjectId
  readonly apiVersion: string
  /** Canonical JSON text: sorted keys, integers exact. Never parsed and written again by the hub. */
  readonly json: string
  /** File in the tree it came from; empty when made by a generator. */
  readonly file: string
}

export interface RenderResult {
  readonly objects: readonly RenderedObject[]
  /** Words for people: unstable output, skipped hooks and the like. */
  readonly warnings: readonly string[]
  /** What it wanted to know of the cluster; of charts. */
  readonly asked?: AskedFacts
}

/** Files a render reads, by path relative to the tree's root. */
export type RenderFiles = ReadonlyMap<string, Uint8Array>

/** The official engines behind a port: no network, no environment, nothing read but the input. */
export interface RenderEngine {
  /** Digest of the engine binary: the renderer version (I11). */
  readonly version: string
  /**
   * `files` is called only when no warm worker holds the tree already.
   * @throws HubError `render_failed` with faults (file, line), `render_timeout`, `engine_unavailable`
   */
  render(
    input: RenderInput,
    files: () => Promise<RenderFiles>,
    signal: AbortSignal,
  ): Promise<RenderResult>
  close(): Promise<void>
}
