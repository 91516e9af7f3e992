import type { Digest } from '@groundswell/proto/digest.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { contentBefore } from '../rollout/content.ts'
import {
  type PairRecord,
  type SignedContent,
  type SignerEntry,
  type SignerState,
  longestHistory,
} from './record.ts'

/**
 * What a signer without a record, or with one from a backup, takes from the ledger: which cluster is which, and
 * the contents that rollouts put there. Where they came from is not known, so a policy that lists
 * repositories holds them back until the renderer attests them.
 */
export function listSeed(state: LedgerState): SignerEntry[] {
  const entries: SignerEntry[] = []
  const histories = new Map<string, Map<string, Digest[]>>()
  const note = (application: string, cluster: string, digest: Digest | null): void => {
    if (digest === null) return
    const pairs = histories.get(application) ?? new Map<string, Digest[]>()
    const before = (pairs.get(cluster) ?? []).filter((other) => other !== digest)
    histories.set(application, pairs.set(cluster, [...before, digest]))
  }
  for (const plan of state.plans.values()) {
    const { application, targets } = plan
    for (const [cluster, target] of Object.entries(targets)) {
      note(application, cluster, contentBefore(plan, cluster).digest)
      note(application, cluster, target.digest)
    }
  }
  for (const { cluster, clusterId, clusterUid } of state.enrolments.values()) {
    const contents: [string, SignedContent][] = []
    for (const { application, digest } of state.assignments.get(cluster)?.values() ?? []) {
      note(application, cluster, digest)
      const proven = state.good.get(cluster)?.has(application) ?? false
      contents.push([application, digest === null ? 'removed' : proven ? 'several' : digest])
    }
    const record = { cluster, clusterUid, epoch: 0, sequence: 0, digest: null }
    entries.push({ t: 'cluster', id: clusterId, record, contents })
  }
  for (const [application, pairs] of histories) {
    for (const [cluster, digests] of pairs) {
      const gone = state.assignments.get(cluster)?.get(application)?.digest === null
      const record: PairRecord = { history: digests.slice(-longestHistory), wanted: !gone }
      entries.push({ t: 'pairs', application, clusters: [cluster], record })
      for (const digest of digests) {
        const made = { application, repository: 'unknown', url: '', kinds: [] }
        entries.push({ t: 'manifest', digest, record: made })
      }
    }
  }
  return entries
}

/**
 * Of a seed, what a record does not have: nothing that was signed or attested here is taken back,
 * and sequences stay as they are.
 */
export function listMissing(state: SignerState, seed: readonly SignerEntry[]): SignerEntry[] {
  const added = new Set<Digest>()
  return seed.flatMap((entry): SignerEntry[] => {
    switch (entry.t) {
      case 'cluster': {
        const known = state.clusters.get(entry.id)
        if (!known) return [entry]
        const { contents: before, ...record } = known
        const news = entry.contents.filter(([application, content]) => {
          const has = before.get(application)
          return has !== 'several' && has !== content
        })
        if (news.length === 0) return []
        return [{ ...entry, record, contents: [...new Map([...before, ...news])] }]
      }
      case 'pairs':
        return entry.clusters.flatMap((cluster): SignerEntry[] => {
          const known = state.applications.get(entry.application)?.get(cluster)
          const before = known?.history ?? []
          const history = mergeHistories(before, entry.record.history)
          const news = history.filter((digest) => !before.includes(digest))
          for (const digest of news) added.add(digest)
          if (known && news.length === 0) return []
          return [
            { ...entry, clusters: [cluster], record: { ...(known ?? entry.record), history } },
          ]
        })
      case 'manifest':
        return state.manifests.has(entry.digest) || !added.has(entry.digest) ? [] : [entry]
      case 'groups':
      case 'attested':
      case 'signed':
        return [entry]
    }
  })
}

/**
 * Both, newest last: what is missing stands before what came after it. So what was forgotten for its age does not
 * come back as the newest, at the cost of what is in use.
 */
function mergeHistories(known: readonly Digest[], seed: readonly Digest[]): Digest[] {
  const merged = [...known]
  let at = merged.length
  for (const digest of seed.toReversed()) {
    const found = merged.indexOf(digest)
    if (found === -1) merged.splice(at, 0, digest)
    else at = found
  }
  return merged.slice(-longestHistory)
}
