import { type Digest } from '@groundswell/proto/digest.ts'
import { type ToldFacts, factsDigest } from '@groundswell/proto/facts.ts'
import type { ClusterFacts, FleetFacts, ServedApis } from '../fleet/resolve/cluster-facts.ts'
import type { Decision } from './entry.ts'

/** What agents reported of their clusters, as the ledger says. */
export interface Reported {
  /** By cluster; the newest last, a few of before for what was rendered then. */
  readonly facts: Map<string, readonly ClusterFacts[]>
  /** Lists that some of these name: clusters of a kind share theirs. */
  readonly apis: Map<Digest, ServedApis>
}

const keptFacts = 3

export function emptyReported(): Reported {
  return { facts: new Map(), apis: new Map() }
}

/** A list that is not at hand leaves its cluster without: the agent tells it again. */
export function foldFacts(
  { facts, apis }: Reported,
  { cluster, kubernetesVersion, apis: name, names }: Extract<Decision, { type: 'facts.reported' }>,
): void {
  const known = apis.get(name)
  const list = known ?? (names && { digest: name, names })
  if (list && !known) apis.set(name, list)
  const before = (facts.get(cluster) ?? []).filter(
    (one) => one.kubernetesVersion !== kubernetesVersion || one.apis?.digest !== name,
  )
  const next = [...before, { kubernetesVersion, ...(list && { apis: list }) }].slice(-keptFacts)
  facts.set(cluster, next)
  if (apis.size <= facts.size * keptFacts) return
  const used = new Set([...facts.values()].flatMap((all) => all.map((one) => one.apis?.digest)))
  for (const each of apis.keys()) if (!used.has(each)) apis.delete(each)
}

/** The newest of each cluster. */
export function newestFacts({ facts }: Pick<Reported, 'facts'>): FleetFacts {
  return new Map([...facts].map(([cluster, all]) => [cluster, all.at(-1)!]))
}

const named = new WeakMap<ClusterFacts, string>()

/** As the agent names them; empty where nothing whole is known. */
export function nameReported({ facts }: Pick<Reported, 'facts'>, cluster: string): string {
  const newest = facts.get(cluster)?.at(-1)
  if (!newest?.apis) return ''
  const { kubernetesVersion, apis } = newest
  const known = named.get(newest)
  if (known !== undefined) return known
  const name = factsDigest({ kubernetesVersion, apis: apis.names } satisfies ToldFacts)
  named.set(newest, name)
  return name
}
