import { createDraft, type Draft, toName } from './draft.ts'
import { addFluxApplication, type FluxNames } from './flux-application.ts'
import { clusterOf } from './flux-cluster.ts'
import { findPlaces, isBootstrap } from './flux-places.ts'
import { addHelmRelease } from './flux-helm-release.ts'
import { type ForeignDocument, membersOf, readForeign, textOf } from './foreign-document.ts'
import type { GitRef } from './git-ref.ts'
import type { Convert, Migration } from './migration.ts'

const group = '.toolkit.fluxcd.io/'

/**
 * Flux: `GitRepository`, `Kustomization` and `HelmRelease` (of charts in Git; others are told how to
 * be put there). Flux applies to the cluster it runs on: which that is is told from a directory
 * `clusters/NAME`, or from the Kustomization there that brings it, else an application is suspended.
 */
export const convertFlux: Convert = (files): Migration => {
  const { documents, gaps } = readForeign(files, ({ text }) => text.includes(group))
  const draft = createDraft(gaps)
  const isFlux = ({ apiVersion }: ForeignDocument) => apiVersion.includes(group)
  const ours = documents.filter(isFlux)
  const places = findPlaces(documents, isFlux, files)
  const repositories = new Map<string, string>()
  for (const document of ours.filter(({ kind }) => kind === 'GitRepository')) {
    repositories.set(keyOf(document), convertRepository(draft, document))
  }
  const applied = ours.filter(
    (one) => (one.kind === 'Kustomization' || one.kind === 'HelmRelease') && !places.isPatch(one),
  )
  const names: FluxNames = { of: nameAll(applied), repositories, documents: ours, places }
  const paths = files.map(({ path }) => path)
  for (const document of ours) {
    if (places.isPatch(document)) {
      const words =
        'changes what another file holds: write it into the targets of what came of that'
      draft.gap(document, [], words)
      continue
    }
    switch (document.kind) {
      case 'Kustomization':
        if (isBootstrap(document))
          draft.gap(
            document,
            [],
            'applies Flux’s own configuration, which nothing needs any more; it is left out',
          )
        else addFluxApplication(draft, document, names, paths)
        break
      case 'HelmRelease':
        addHelmRelease(draft, document, names)
        break
      case 'GitRepository':
      case 'HelmRepository':
      case 'OCIRepository':
        break
      default:
        draft.gap(document, [], `the kind ${document.kind} has no counterpart`)
    }
  }
  return draft.finish()
}

function keyOf({ namespace, name }: ForeignDocument): string {
  return `${namespace}/${name}`
}

/** Application for each; those that are called alike on several clusters get the cluster's name too. */
function nameAll(documents: readonly ForeignDocument[]): Map<ForeignDocument, string> {
  const alike = Map.groupBy(documents, ({ name }) => toName(name))
  const taken = new Set<string>()
  return new Map(
    [...alike].flatMap(([name, all]) =>
      all.map((document, index) => {
        const where = clusterOf(document.file) ?? (document.namespace || String(index + 1))
        const wanted = all.length === 1 ? name : toName(`${name}-${where}`)
        const own = taken.has(wanted) ? toName(`${wanted}-${document.kind}-${index + 1}`) : wanted
        taken.add(own)
        return [document, own] as const
      }),
    ),
  )
}

const converted = ['url', 'ref', 'interval', 'timeout', 'secretRef', 'suspend']

function convertRepository(draft: Draft, document: ForeignDocument): string {
  const spec = membersOf(document.value['spec'])
  draft.tellRest(document, ['spec'], spec, converted, {
    ignore: 'only what an application’s path holds is read',
    verify: 'see what a Repository says of signatures',
    recurseSubmodules: 'submodules are refused',
  })
  const ref = membersOf(spec['ref'])
  const [kind] = (['commit', 'semver', 'tag', 'branch'] as const).filter(
    (one) => textOf(ref[one]) !== undefined,
  )
  draft.tellRest(document, ['spec', 'ref'], ref, ['commit', 'semver', 'tag', 'branch'])
  const secret = textOf(membersOf(spec['secretRef'])['name'])
  if (secret !== undefined) {
    draft.gap(
      document,
      ['spec', 'secretRef'],
      `write the credential "${secret}" into the hub’s credentials file`,
    )
  }
  // Flux's default branch is master.
  const wanted = {
    [kind ?? 'branch']: kind === undefined ? 'master' : textOf(ref[kind]),
  } as unknown as GitRef
  return draft.repository(textOf(spec['url']) ?? '', wanted, {
    ...durations(draft, document, spec),
    ...(secret !== undefined && { credential: secret }),
    ...(spec['suspend'] === true && { suspend: true }),
  })
}

function durations(draft: Draft, document: ForeignDocument, spec: ReturnType<typeof membersOf>) {
  return Object.fromEntries(
    (['interval', 'timeout'] as const).flatMap((field) => {
      const text = textOf(spec[field])
      if (text === undefined) return []
      if (/^([0-9]{1,8}(ms|s|m|h)){1,8}$/.test(text)) return [[field, text]]
      draft.gap(
        document,
        ['spec', field],
        `"${text}" is not such as 30s, 5m or 1h30m; the default holds`,
      )
      return []
    }),
  )
}
