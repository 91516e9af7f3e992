import type { Draft } from './draft.ts'
import { toName } from './draft.ts'
import {
  type ForeignDocument,
  type ForeignPath,
  listOf,
  type Members,
  membersOf,
  textOf,
} from './foreign-document.ts'

/** Which clusters: what targets, destinations and waves have in common. All members must hold. */
export interface Pick {
  readonly clusterSelector?: Members
  readonly clusterGroup?: string
  readonly clusters?: readonly string[]
}

/** Fleet's way of picking clusters → ours; undefined, and told, where it cannot be said. */
export function toPick(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  target: Members,
): Pick | undefined {
  if (target['clusterGroupSelector'] !== undefined) {
    draft.gap(
      document,
      [...path, 'clusterGroupSelector'],
      '`clusterGroupSelector`: groups are named here, not selected; this target is left out',
    )
    return undefined
  }
  const group = textOf(target['clusterGroup'])
  const name = textOf(target['clusterName'])
  const selector = target['clusterSelector']
  if (group !== undefined && !draft.has('ClusterGroup', toName(group))) {
    draft.add('ClusterGroup', toName(group), { clusters: [] })
    draft.gap(
      document,
      [...path, 'clusterGroup'],
      `the group "${group}" is not declared here: it is empty until you say who is in it`,
    )
  }
  if (group === undefined && name === undefined && selector === undefined) {
    return { clusterSelector: {} }
  }
  return {
    ...(selector !== undefined && { clusterSelector: membersOf(selector) }),
    ...(group !== undefined && { clusterGroup: toName(group) }),
    ...(name !== undefined && { clusters: [draft.cluster(name)] }),
  }
}

/** Clusters that both pick; undefined where that takes two groups. */
export function both(a: Pick, b: Pick): Pick | undefined {
  if (
    a.clusterGroup !== undefined &&
    b.clusterGroup !== undefined &&
    a.clusterGroup !== b.clusterGroup
  ) {
    return undefined
  }
  const group = a.clusterGroup ?? b.clusterGroup
  const [first, second] = [a.clusterSelector, b.clusterSelector]
  const clusters =
    a.clusters && b.clusters
      ? a.clusters.filter((name) => b.clusters!.includes(name))
      : (a.clusters ?? b.clusters)
  const selector = first && second ? bothSelectors(first, second) : (first ?? second)
  const isAll = selector !== undefined && Object.keys(selector).length === 0
  return {
    ...(selector && !(isAll && (group !== undefined || clusters)) && { clusterSelector: selector }),
    ...(group !== undefined && { clusterGroup: group }),
    ...(clusters && { clusters }),
  }
}

function bothSelectors(a: Members, b: Members): Members {
  const labels = { ...membersOf(a['matchLabels']) }
  const expressions = [...listOf(a['matchExpressions']), ...listOf(b['matchExpressions'])]
  for (const [key, value] of Object.entries(membersOf(b['matchLabels']))) {
    // Two values of one label: as an expression, so that both must hold and nothing matches.
    if (Object.hasOwn(labels, key) && labels[key] !== value) {
      expressions.push({ key, operator: 'In', values: [value] })
    } else labels[key] = value
  }
  return {
    ...(Object.keys(labels).length > 0 && { matchLabels: labels }),
    ...(expressions.length > 0 && { matchExpressions: expressions }),
  }
}
