import type { MatrixRow, MatrixStanding } from '../api/matrix-view.ts'
import { membersOf } from '../fleet/resolve/group.ts'
import type { Contents } from '../render/contents.ts'
import { isStale, type Known, listClusterNames, standingOf } from './cluster-view.ts'

/** Clusters × applications, made a row at a time, so that a page costs what it shows. */
export interface Matrix {
  /** The columns, by name. */
  readonly applications: readonly string[]
  /** By cluster, rising, from the first after `after`. */
  rows(after: string | null): Iterable<MatrixRow>
  /** Undefined for a cluster nobody knows, or none of whose applications may be seen. */
  row(cluster: string): MatrixRow | undefined
}

/** `names` are the applications there are; `sees` leaves out some, and clusters that have none of the others. */
export function viewMatrix(
  known: Known,
  {
    contents,
    names: all,
  }: { readonly contents: Contents | null; readonly names: readonly string[] },
  sees?: (application: string) => boolean,
): Matrix {
  const applications = all.filter((name) => sees?.(name) ?? true)
  const names = listClusterNames(known)
  const groups = listGroups(known)

  function row(cluster: string): MatrixRow | undefined {
    const status = known.status(cluster)
    const cells = applications.map((name) => letterOf(known, contents, cluster, name)).join('')
    if (sees && /^-*$/.test(cells)) return undefined
    return {
      cluster,
      groups: groups.get(cluster) ?? [],
      connection: status.connection.state,
      stale: isStale(status, known.now),
      cells,
    }
  }

  return {
    applications,
    *rows(after) {
      for (const name of names) {
        if (after !== null && name <= after) continue
        const found = row(name)
        if (found) yield found
      }
    },
    row: (cluster) => (names.includes(cluster) ? row(cluster) : undefined),
  }
}

function letterOf(
  known: Known,
  contents: Contents | null,
  cluster: string,
  application: string,
): MatrixStanding {
  const { connection, applications } = known.status(cluster)
  const assignment = known.state.assignments.get(cluster)?.get(application)
  const status = applications[application]
  if (!assignment || assignment.digest === null) {
    const leaving = status !== undefined && status.phase !== 'Removed'
    const coming = contents?.applications.get(application)?.has(cluster) === true
    if (!leaving && !coming) return '-'
    return connection.state === 'Connected' ? 'p' : 'x'
  }
  switch (standingOf(assignment, status, connection)) {
    case 'unreachable':
      return 'x'
    case 'failed':
      return 'f'
    case 'pending':
      return status?.held === undefined ? 'p' : 'v'
    case 'updated':
      return status && status.driftedObjects > 0 ? 'd' : 'u'
  }
}

function listGroups({ fleet }: Known): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  if (!fleet) return groups
  for (const group of [...fleet.groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const cluster of membersOf(fleet, group)) {
      const mine = groups.get(cluster)
      if (mine) mine.push(group.name)
      else groups.set(cluster, [group.name])
    }
  }
  return groups
}
