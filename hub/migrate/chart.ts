import { posix } from 'node:path'
import type { Draft } from './draft.ts'
import type { ForeignDocument, ForeignPath } from './foreign-document.ts'

/** A chart that is not in Git. */
export interface RemoteChart {
  readonly chart: string
  /** `https://…` or `oci://…`; empty when it is not said. */
  readonly repo: string
  readonly version: string | undefined
}

/**
 * Where the chart is to be put, since applications come from Git: a directory of the fleet
 * repository. Tells how to get it there.
 */
export function vendorChart(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  { chart, repo, version }: RemoteChart,
): string {
  const isOci = repo.startsWith('oci://') || chart.startsWith('oci://')
  const name = posix.basename(chart)
  const from = chart.startsWith('oci://')
    ? chart
    : isOci
      ? `${repo.replace(/\/$/, '')}/${chart}`
      : `${chart}${repo && ` --repo ${repo}`}`
  const exact = version === undefined ? '' : ` --version '${version}'`
  draft.gap(
    document,
    path,
    `the chart is not in Git; put it there: helm pull ${from}${exact} --untar --untardir charts`,
  )
  return `charts/${name}`
}
