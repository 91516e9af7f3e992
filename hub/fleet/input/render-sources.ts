import type { BaseRepository } from './remote-base.ts'
import type { Mirror } from '../../source/source.ts'
import { type FindChart, type RenderSource, readRenderSource } from './render-source.ts'
import type { ResolvedTarget } from '../resolve/resolve.ts'

/** Reads what renders read, and knows again what did not change. */
export interface RenderSources {
  /** @throws whatever `readRenderSource` throws */
  read(
    mirror: Pick<Mirror, 'readTree' | 'readBlobs'>,
    commit: string,
    target: Pick<
      ResolvedTarget,
      | 'application'
      | 'repository'
      | 'path'
      | 'kind'
      | 'valuesFiles'
      | 'chartSources'
      | 'dependencyCredential'
    >,
    bases?: readonly BaseRepository[],
    findChart?: FindChart,
  ): Promise<RenderSource>
}

const kept = 20_000

/**
 * What an application reads is found by following its kustomizations. All of them are in the tree
 * that is found in the end, so while that tree has the same id there is nothing to follow again: a
 * commit that touches one of a thousand applications is looked at for one.
 */
export function createRenderSources(): RenderSources {
  const known = new Map<string, RenderSource>()
  return {
    async read(mirror, commit, target, bases = [], findChart) {
      // What other repositories hold is not told by this tree.
      if (bases.length > 0) return readRenderSource(mirror, commit, target, bases, findChart)
      const { repository, path, kind, valuesFiles } = target
      const key = JSON.stringify([repository, path, kind, valuesFiles])
      const before = known.get(key)
      if (before) {
        const tree = await mirror.readTree(commit, before.root).catch(() => undefined)
        if (tree?.id === before.tree.id) return before
      }
      const source = await readRenderSource(mirror, commit, target, [], findChart)
      // Charts may be moved, or be kept no more: they are asked for each time.
      if (source.charts) return source
      known.delete(key)
      known.set(key, source)
      if (known.size > kept) known.delete(known.keys().next().value!)
      return source
    },
  }
}
