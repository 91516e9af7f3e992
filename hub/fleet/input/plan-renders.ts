import type { RenderInput } from '../../render/engine.ts'
import type { Mirror } from '../../source/source.ts'
import { toRenderInput } from './render-input.ts'
import type { BaseRepository } from './remote-base.ts'
import {
  type FindChart,
  readChartSource,
  readRenderSource,
  type RenderSource,
} from './render-source.ts'
import type { ResolvedTarget } from '../resolve/resolve.ts'

/** Where a repository's files are read: its mirror at the commit last fetched. */
export interface RepositoryAt {
  readonly mirror: Pick<Mirror, 'readTree' | 'readBlobs'>
  readonly commit: string
}

/** A target and what to render for it, or why it cannot be said. */
export type PlannedRender =
  | { readonly target: ResolvedTarget; readonly input: RenderInput; readonly source: RenderSource }
  | { readonly target: ResolvedTarget; readonly error: unknown }

/**
 * Targets → render inputs, in their order. What an application reads is found once for all its
 * clusters, so a thousand clusters cost one look. One application's fault does not stop another's.
 *
 * @param basesOf the repositories that bases may be taken of; throws where one is not there
 * @param repositoryAt undefined where nothing has been fetched yet: those targets are left out
 */
export async function planRenders(
  targets: readonly ResolvedTarget[],
  repositoryAt: (repository: string) => RepositoryAt | undefined,
  basesOf: (names: readonly string[]) => readonly BaseRepository[],
  findChart: FindChart,
): Promise<PlannedRender[]> {
  const sources = new Map<string, Promise<RenderSource>>()
  const planned: PlannedRender[] = []
  for (const target of targets) {
    const repository = repositoryAt(target.repository)
    if (!repository) continue
    const { path, kind, valuesFiles, bases, chart } = target
    const key = JSON.stringify([
      target.repository,
      repository.commit,
      path,
      kind,
      valuesFiles,
      bases,
      chart,
      target.chartSources,
    ])
    try {
      const { mirror, commit } = repository
      const read = async () =>
        chart
          ? readChartSource(mirror, commit, target, chart.chart, await findChart(chart))
          : readRenderSource(mirror, commit, target, basesOf(bases), findChart)
      const found = sources.get(key) ?? read()
      sources.set(key, found)
      const source = await found
      planned.push({ target, source, input: toRenderInput(target, source) })
    } catch (error) {
      planned.push({ target, error })
    }
  }
  return planned
}
