import type { Digest } from '@groundswell/proto/digest.ts'

/** A chart as an application names it. */
export interface ChartReference {
  /** `https://…` of a chart repository, or `oci://host/path` of a registry; no slash at the end. */
  readonly repo: string
  readonly chart: string
  /** A version, or a range as Helm reads it. */
  readonly version: string
  /** Name of a credential of the hub's own configuration. */
  readonly credential?: string
}

/** What a reference means now. A tag that was moved means another digest. */
export interface FoundChart {
  readonly version: string
  /** Of the archive's bytes. */
  readonly digest: Digest
}

/** Charts from repositories and registries, fetched once and kept. */
export interface Charts {
  /**
   * Asks the repository, at most once in a while; what was found last stays while it is away.
   *
   * @throws HubError `source_unreachable`, `source_refused`, `revision_not_found`
   */
  find(reference: ChartReference, signal: AbortSignal): Promise<FoundChart>
  /** @throws HubError `source_unreachable` when it was found but is kept no more */
  read(chart: FoundChart): Promise<Uint8Array>
}

/** A version in full, which means the same at any time as long as nobody moves it. */
export function isExactVersion(version: string): boolean {
  return /^v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]*)?$/.test(version)
}

/** One version of a chart in a repository's index, or of a registry's tags. */
export interface PickedVersion {
  readonly version: string
  /** sha256 of the archive, in hex; empty where the index has none. */
  readonly digest: string
  readonly urls: readonly string[]
}

/** Reads indexes and ranges as Helm does; @throws HubError `revision_not_found`, `source_refused` */
export type PickVersion = (
  from: { readonly index: Uint8Array } | { readonly tags: readonly string[] },
  reference: ChartReference,
  signal: AbortSignal,
) => Promise<PickedVersion>

/** A GET over the network, with the rules of the hub. */
export interface Get {
  readonly url: string
  readonly accept: string
  /** Longer answers are refused as they come in. */
  readonly maxBytes: number
  readonly credential?: string
  /** What stands for an answer of 404, which is a failure when left out. */
  readonly whenMissing?: Uint8Array
}

/** @throws HubError `source_unreachable`, `source_refused` */
export type HttpGet = (get: Get, signal: AbortSignal) => Promise<Uint8Array>

/** Archives by digest, and what references meant last. Bounded; all of it can be fetched again. */
export interface ChartStore {
  has(digest: Digest): Promise<boolean>
  read(digest: Digest): Promise<Uint8Array | undefined>
  put(digest: Digest, archive: Uint8Array): Promise<void>
  recall(key: string): Promise<FoundChart | undefined>
  remember(key: string, found: FoundChart): Promise<void>
}
