import type { Digest } from '@groundswell/proto/digest.ts'
import type { Attestation, AttestedContent } from './attestation.ts'
import type { SignedFor } from './signer.ts'

/** What the signer itself remembers, whatever Redis, ledger or front end say. */
export interface SignerState {
  /** By cluster id; an id never gets another name or UID. */
  readonly clusters: Map<string, ClusterRecord>
  /** Application → cluster name → what was attested for the pair. */
  readonly applications: Map<string, Map<string, PairRecord>>
  readonly manifests: Map<Digest, ManifestRecord>
  /** Group → names of its clusters, by the newest attestation. */
  groups: ReadonlyMap<string, ReadonlySet<string>>
}

export interface ClusterRecord {
  readonly cluster: string
  readonly clusterUid: string
  readonly epoch: number
  readonly sequence: number
  readonly digest: Digest | null
  readonly contents: ReadonlyMap<string, SignedContent>
}

/** What was signed of an application: the only content since it was last removed, or more than one. */
export type SignedContent = Digest | 'several' | 'removed'

export interface PairRecord {
  /** Newest last. */
  readonly history: readonly Digest[]
  /** False once the renderer said that Git does not ask for it there any more. */
  readonly wanted: boolean
}

export type ManifestRecord = Pick<AttestedContent, 'repository' | 'url' | 'kinds'> & {
  readonly application: string
}

/** A line of the signer's record. */
export type SignerEntry =
  | { readonly t: 'attested'; readonly attestation: Attestation }
  | ({
      readonly t: 'signed'
      readonly epoch: number
      readonly sequence: number
      readonly digest: Digest | null
      /** What its list changed: a digest, or null where it took an application away. */
      readonly changed: readonly (readonly [application: string, content: Digest | null])[]
    } & SignedFor)
  // Written when the record is made small.
  | {
      readonly t: 'cluster'
      readonly id: string
      readonly record: Omit<ClusterRecord, 'contents'>
      readonly contents: readonly (readonly [string, SignedContent])[]
    }
  | {
      readonly t: 'pairs'
      readonly application: string
      readonly clusters: readonly string[]
      readonly record: PairRecord
    }
  | { readonly t: 'manifest'; readonly digest: Digest; readonly record: ManifestRecord }
  | { readonly t: 'groups'; readonly groups: Attestation['groups'] }

/** Digests remembered of each application and cluster, whatever a policy allows of them. */
export const longestHistory = 50

export function emptyRecord(): SignerState {
  return { clusters: new Map(), applications: new Map(), manifests: new Map(), groups: new Map() }
}

/** Moves `state` on by one line. */
export function foldSignerEntry(state: SignerState, entry: SignerEntry): void {
  switch (entry.t) {
    case 'attested':
      foldAttestation(state, entry.attestation)
      return
    case 'signed': {
      const { cluster, clusterUid, epoch, sequence, digest } = entry
      const contents = new Map(state.clusters.get(entry.clusterId)?.contents)
      for (const [application, content] of entry.changed) {
        const before = contents.get(application)
        const alone = before === undefined || before === 'removed' || before === content
        contents.set(application, content === null ? 'removed' : alone ? content : 'several')
      }
      state.clusters.set(entry.clusterId, {
        cluster,
        clusterUid,
        epoch,
        sequence,
        digest,
        contents,
      })
      return
    }
    case 'cluster':
      state.clusters.set(entry.id, { ...entry.record, contents: new Map(entry.contents) })
      return
    case 'pairs':
      for (const cluster of entry.clusters) {
        pairsOf(state, entry.application).set(cluster, entry.record)
      }
      return
    case 'manifest':
      state.manifests.set(entry.digest, entry.record)
      return
    case 'groups':
      state.groups = toGroups(entry.groups)
      return
  }
}

function foldAttestation(state: SignerState, attestation: Attestation): void {
  const declared = new Set(attestation.clusters)
  const names = new Set(attestation.names)
  state.groups = toGroups(attestation.groups)
  for (const { name, contents, keep } of attestation.applications) {
    const pairs = pairsOf(state, name)
    const wanted = new Set<string>(keep)
    for (const { digest, clusters, kinds, repository, url } of contents) {
      state.manifests.set(digest, { application: name, kinds, repository, url })
      for (const cluster of clusters) {
        wanted.add(cluster)
        const before = pairs.get(cluster)?.history ?? []
        const history =
          before.at(-1) === digest
            ? before
            : [...before.filter((other) => other !== digest), digest].slice(-longestHistory)
        pairs.set(cluster, { history, wanted: true })
      }
    }
    markUnwanted(pairs, (cluster) => declared.has(cluster) && !wanted.has(cluster))
  }
  // Absence of the name from a whole fleet, not absence from a list of changes: that is no fault.
  for (const [name, pairs] of state.applications) {
    if (!names.has(name)) markUnwanted(pairs, (cluster) => declared.has(cluster))
  }
}

function markUnwanted(pairs: Map<string, PairRecord>, isGone: (cluster: string) => boolean): void {
  for (const [cluster, pair] of pairs) {
    if (pair.wanted && isGone(cluster)) pairs.set(cluster, { ...pair, wanted: false })
  }
}

/** Forgets manifests that are in nobody's history any more: nobody can ask for them. */
export function dropUnused(state: SignerState): void {
  const used = new Set<Digest>()
  for (const pairs of state.applications.values()) {
    for (const { history } of pairs.values()) for (const digest of history) used.add(digest)
  }
  for (const digest of state.manifests.keys()) if (!used.has(digest)) state.manifests.delete(digest)
}

/** The shortest lines that fold to the same state; manifests nobody can ask for are left out. */
export function listEntries(state: SignerState): SignerEntry[] {
  const entries: SignerEntry[] = []
  for (const [id, { contents, ...record }] of state.clusters) {
    entries.push({ t: 'cluster', id, record, contents: [...contents] })
  }
  const used = new Set<Digest>()
  for (const [application, pairs] of state.applications) {
    const alike = new Map<string, { record: PairRecord; clusters: string[] }>()
    for (const [cluster, record] of pairs) {
      for (const digest of record.history) used.add(digest)
      const key = JSON.stringify(record)
      const group = alike.get(key) ?? { record, clusters: [] }
      group.clusters.push(cluster)
      alike.set(key, group)
    }
    for (const { record, clusters } of alike.values()) {
      entries.push({ t: 'pairs', application, clusters, record })
    }
  }
  for (const [digest, record] of state.manifests) {
    if (used.has(digest)) entries.push({ t: 'manifest', digest, record })
  }
  const groups = Object.fromEntries([...state.groups].map(([name, set]) => [name, [...set]]))
  return [...entries, { t: 'groups', groups }]
}

function pairsOf(state: SignerState, application: string): Map<string, PairRecord> {
  const pairs = state.applications.get(application) ?? new Map<string, PairRecord>()
  state.applications.set(application, pairs)
  return pairs
}

function toGroups(groups: Attestation['groups']): SignerState['groups'] {
  return new Map(Object.entries(groups).map(([name, clusters]) => [name, new Set(clusters)]))
}
