import { inside } from './argocd-source.ts'
import { clusterOf } from './flux-cluster.ts'
import { type ForeignDocument, membersOf, textOf } from './foreign-document.ts'
import type { ForeignFile } from './migration.ts'
import { type Reach, reachOf, sortApplied } from './reach.ts'

/** What applies what: a Kustomization brings HelmReleases and other Kustomizations to its own clusters. */
export interface FluxPlaces {
  /** Clusters it is for, by its own directory or by what brings it there; none where nothing says. */
  clustersOf(document: ForeignDocument): readonly string[]
  /** Kustomizations that bring it. */
  bringersOf(document: ForeignDocument): readonly ForeignDocument[]
  /** What brings it changes it, too. */
  isChanged(document: ForeignDocument): boolean
  /** It only changes what another file holds. */
  isPatch(document: ForeignDocument): boolean
  /** Objects of Flux that a Kustomization applies, and whether it applies anything else. */
  heldBy(document: ForeignDocument): {
    readonly own: readonly ForeignDocument[]
    readonly isMixed: boolean
  }
}

/** Flux's own configuration, and what `flux bootstrap` writes. */
export function isBootstrap({ name, file }: ForeignDocument): boolean {
  return name === 'flux-system' || file.endsWith('gotk-components.yaml')
}

/** @param documents all that were read, those of other tools too */
export function findPlaces(
  documents: readonly ForeignDocument[],
  isFlux: (document: ForeignDocument) => boolean,
  files: readonly ForeignFile[],
): FluxPlaces {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reaches = new Map<ForeignDocument, Reach>()
  for (const document of documents) {
    if (!isFlux(document) || document.kind !== 'Kustomization' || isBootstrap(document)) continue
    const path = textOf(membersOf(document.value['spec'])['path'])
    reaches.set(document, reachOf(inside(path ?? '.'), byPath))
  }
  const bringersOf = (document: ForeignDocument) =>
    [...reaches].flatMap(([from, { applied }]) =>
      from !== document && applied.has(document.file) ? [from] : [],
    )

  function clustersOf(document: ForeignDocument, seen = new Set<ForeignDocument>()): string[] {
    const own = clusterOf(document.file)
    if (own !== undefined) return [own]
    if (seen.has(document)) return []
    seen.add(document)
    const found = bringersOf(document).flatMap((from) => clustersOf(from, seen))
    return [...new Set(found)].sort()
  }

  return {
    clustersOf: (document) => clustersOf(document),
    bringersOf,
    isChanged: (document) =>
      bringersOf(document).some((from) => {
        const spec = membersOf(from.value['spec'])
        const own = ['patches', 'postBuild', 'targetNamespace', 'components']
        return reaches.get(from)!.isChanged || own.some((field) => spec[field] !== undefined)
      }),
    isPatch({ file }) {
      const all = [...reaches.values()]
      return (
        all.some(({ patches }) => patches.has(file)) &&
        !all.some(({ applied }) => applied.has(file))
      )
    },
    heldBy(document) {
      const reach = reaches.get(document)
      if (!reach) return { own: [], isMixed: false }
      return sortApplied(reach, documents, isFlux, byPath)
    },
  }
}
