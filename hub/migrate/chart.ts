import { posix } from 'node:path'
import type { Draft } from './draft.ts'
import type { ForeignDocument, ForeignPath, Members } from './foreign-document.ts'

/** A chart that is not in Git. */
export interface RemoteChart {
  readonly chart: string
  /** `https://…` or `oci://…`; empty when it is not said. */
  readonly repo: string
  readonly version: string | undefined
}

/** Members of an Application's source, and of its `helm`. */
export interface ChartSource {
  readonly path: string
  readonly helm: Members
}

/**
 * Where a chart is fetched from. Values files are then those of the fleet repository, named from
 * `path`. A chart that cannot be named so has to be put into Git, which is told.
 */
export function chartSource(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  remote: RemoteChart,
  place = '.',
): ChartSource {
  const { repo, chart } = split(remote)
  if (!/^(https?|oci):\/\//.test(repo) || /\.(tgz|tar\.gz)$/.test(chart)) {
    const where = `charts/${posix.basename(chart)}`
    const from = `${remote.repo && `${remote.repo} `}${remote.chart}`
    draft.gap(document, path, `${from} is in no chart repository that is known; put it at ${where}`)
    return { path: where, helm: {} }
  }
  if (repo.includes('@')) {
    draft.gap(document, path, 'the address holds a password; name a `credential` instead')
  }
  if (remote.version === undefined) {
    draft.gap(document, path, 'no version is given, so `*` takes the newest; write one')
  }
  return {
    path: place,
    helm: { repo: repo.replace(/\/\/[^/]*@/, '//'), chart, version: remote.version ?? '*' },
  }
}

/** The last part of an address in a registry is the chart. */
function split({ repo, chart }: RemoteChart): { readonly repo: string; readonly chart: string } {
  const base = repo.replace(/\/+$/, '')
  const whole = chart.includes('://') ? chart : base.startsWith('oci://') && `${base}/${chart}`
  if (whole === false) return { repo: base, chart }
  return {
    repo: posix.dirname(whole).replace(/^(\w+):\/(?!\/)/, '$1://'),
    chart: posix.basename(whole),
  }
}

/** Files that are in the chart, which values files cannot be named in; its own defaults count anyway. */
export function tellChartFiles(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  files: readonly string[],
): void {
  for (const file of files) {
    if (file === 'values.yaml') continue
    draft.gap(document, path, `${file} is a file of the chart; write its values out`)
  }
}
