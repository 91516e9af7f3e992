import type { ClusterDiffView } from '../../client/gen/api.ts'

/** Clusters of which the same is to be said of an application. */
export interface DiffGroup {
  readonly upToDate: boolean
  readonly desiredDigest: string | null
  readonly desiredRevision: string | null
  readonly reportedDigest: string | null
  /** Objects and fields that differ, as `object/path`; the same in all of the group. */
  readonly fields: readonly string[]
  readonly driftedObjects: number
  readonly clusters: readonly string[]
}

/** Rows with the same contents and the same drift together, what is not as it should be first. */
export function groupDiffs(rows: readonly ClusterDiffView[]): DiffGroup[] {
  const groups = new Map<string, DiffGroup & { readonly clusters: string[] }>()
  for (const row of rows) {
    const { upToDate, desiredDigest, desiredRevision, reportedDigest, driftedObjects } = row
    const fields = row.drift
      .flatMap(({ object, missing, fields: own }) =>
        missing ? [`${object} is gone`] : own.map(({ path }) => `${object}${path}`),
      )
      .sort()
    const said = {
      upToDate,
      desiredDigest,
      desiredRevision,
      reportedDigest,
      driftedObjects,
      fields,
    }
    const key = JSON.stringify(said)
    const known = groups.get(key)
    if (known) known.clusters.push(row.cluster)
    else groups.set(key, { ...said, clusters: [row.cluster] })
  }
  return [...groups.values()].sort(
    (a, b) =>
      Number(a.upToDate) - Number(b.upToDate) ||
      b.driftedObjects - a.driftedObjects ||
      b.clusters.length - a.clusters.length,
  )
}
