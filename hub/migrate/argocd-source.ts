import { posix } from 'node:path'
import { chartSource, tellChartFiles } from './chart.ts'
import { type Draft, toName } from './draft.ts'
import {
  type ForeignDocument,
  type ForeignPath,
  listOf,
  type Members,
  membersOf,
  readValues,
  textOf,
  textsOf,
} from './foreign-document.ts'

export interface ConvertedSource {
  readonly source: Members
  readonly patches: readonly Members[]
  /** A namespace that the kustomization sets. */
  readonly override?: string
}

/** A source of an Argo CD Application → ours; what it cannot say is told. */
export function convertSource(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  source: Members,
  lent: ReadonlyMap<string, Members>,
): ConvertedSource {
  draft.tellRest(document, path, source, [
    ...['repoURL', 'path', 'targetRevision', 'chart', 'helm', 'kustomize', 'directory', 'ref'],
  ])
  const url = textOf(source['repoURL']) ?? ''
  const revision = textOf(source['targetRevision'])
  const chart = textOf(source['chart'])
  if (chart === undefined && (revision === undefined || revision === 'HEAD')) {
    draft.gap(document, [...path, 'targetRevision'], 'follows HEAD; the branch is taken to be main')
  }
  const remote =
    chart === undefined
      ? undefined
      : chartSource(draft, document, [...path, 'chart'], { chart, repo: url, version: revision })
  const base = remote
    ? { path: remote.path }
    : { repository: draft.repository(url, revision), path: inside(textOf(source['path']) ?? '.') }
  const kustomize = membersOf(source['kustomize'])
  const { patches, override } = convertKustomize(draft, document, [...path, 'kustomize'], kustomize)
  const more = { patches, ...(override !== undefined && { override }) }
  if (chart !== undefined || source['helm'] !== undefined) {
    const given = convertHelm(draft, document, [...path, 'helm'], membersOf(source['helm']), lent)
    if (!remote) return { source: { ...base, helm: given }, ...more }
    const files = textsOf(given['valuesFiles'])
    const ours = files.filter((file) => file.startsWith('/'))
    const theirs = files.filter((file) => !file.startsWith('/'))
    tellChartFiles(draft, document, [...path, 'helm', 'valueFiles'], theirs)
    const { valuesFiles: _, ...others } = given
    const helm = { ...remote.helm, ...others, ...(ours.length > 0 && { valuesFiles: ours }) }
    return { source: { ...base, helm }, ...more }
  }
  if (source['kustomize'] !== undefined) return { source: { ...base, kustomize: {} }, ...more }
  if (source['directory'] === undefined) return { source: base, ...more }
  const directory = membersOf(source['directory'])
  draft.tellRest(document, [...path, 'directory'], directory, ['recurse', 'include', 'exclude'], {
    jsonnet: 'render it in CI and commit what comes out',
  })
  return {
    source: {
      ...base,
      directory: {
        ...(directory['recurse'] === true && { recurse: true }),
        ...(directory['include'] !== undefined && { include: toGlobs(directory['include']) }),
        ...(directory['exclude'] !== undefined && { exclude: toGlobs(directory['exclude']) }),
      },
    },
    ...more,
  }
}

/** Argo CD writes one glob, or several in braces; its `*` crosses folders. */
function toGlobs(value: unknown): string[] {
  const text = (textOf(value) ?? '').replaceAll(/\*+/g, '**')
  const several = /^\{(.*)\}$/.exec(text)?.[1]
  return several === undefined ? [text] : several.split(',').map((one) => one.trim())
}

function convertHelm(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  helm: Members,
  lent: ReadonlyMap<string, Members>,
): Members {
  draft.tellRest(
    document,
    path,
    helm,
    ['releaseName', 'valueFiles', 'values', 'valuesObject', 'parameters'],
    {
      fileParameters: 'read the file into `values`',
      ignoreMissingValueFiles: 'a values file that is not there is a fault',
    },
  )
  const written = helm['valuesObject'] ?? readValues(textOf(helm['values']) ?? '')
  if (helm['valuesObject'] === undefined && helm['values'] !== undefined && written === undefined) {
    draft.gap(document, [...path, 'values'], '`values` is no YAML map; it is left out')
  }
  let values: Members = membersOf(written)
  listOf(helm['parameters']).forEach((item, index) => {
    const { name, value, forceString } = membersOf(item)
    const keys = (textOf(name) ?? '').split('.')
    if (keys.some((key) => !/^[\w-]+$/.test(key) || key === '__proto__')) {
      draft.gap(
        document,
        [...path, 'parameters', index, 'name'],
        `the parameter "${textOf(name)}" has no counterpart; write it into \`values\``,
      )
    } else values = setIn(values, keys, forceString === true ? textOf(value) : toScalar(value))
  })
  const valuesFiles = textsOf(helm['valueFiles']).flatMap((file, index) => {
    const [, ref, rest] = /^\$([\w-]+)\/(.+)$/.exec(file) ?? []
    if (ref === undefined) return /^https?:/.test(file) ? tell(index, file) : [file]
    // Of another source: right where that is the same repository.
    draft.gap(
      document,
      [...path, 'valueFiles', index],
      `of ${textOf(lent.get(ref)?.['repoURL']) ?? ref}: a values file comes from the application’s own repository`,
    )
    return rest === undefined ? [] : [`/${rest}`]
  })
  function tell(index: number, file: string): string[] {
    draft.gap(document, [...path, 'valueFiles', index], `${file} is not in Git; it is left out`)
    return []
  }
  const releaseName = textOf(helm['releaseName'])
  return {
    ...(releaseName !== undefined && { releaseName: toName(releaseName) }),
    ...(Object.keys(values).length > 0 && { values }),
    ...(valuesFiles.length > 0 && { valuesFiles }),
  }
}

/** Helm's `--set`: numbers and booleans are told by their looks. */
function toScalar(value: unknown): unknown {
  const text = textOf(value) ?? String(value)
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === 'null') return null
  return /^-?(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text
}

function setIn(values: Members, [first, ...rest]: readonly string[], value: unknown): Members {
  const below = rest.length === 0 ? value : setIn(membersOf(values[first!]), rest, value)
  return { ...values, [first!]: below }
}

function convertKustomize(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  kustomize: Members,
): { patches: Members[]; override?: string } {
  draft.tellRest(document, path, kustomize, ['patches', 'namespace'], {
    images: 'write it into the kustomization',
    components: 'write it into the kustomization',
    namePrefix: 'write it into the kustomization',
    nameSuffix: 'write it into the kustomization',
    replicas: 'write it into the kustomization',
  })
  const patches = toPatches(draft, document, [...path, 'patches'], kustomize['patches'])
  const namespace = textOf(kustomize['namespace'])
  return { patches, ...(namespace !== undefined && { override: toName(namespace) }) }
}

/** Kustomize's list of patches, which Argo CD and Flux share. */
export function toPatches(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  patches: unknown,
): Members[] {
  return listOf(patches).flatMap((item, index) => {
    const one = membersOf(item)
    draft.tellRest(document, [...path, index], one, ['patch', 'target'], {
      path: 'the patch is in a file; write it out',
    })
    if (textOf(one['patch']) === undefined) return []
    return [{ patch: one['patch'], ...(one['target'] !== undefined && { target: one['target'] }) }]
  })
}

/** A path as other tools write it → relative to the repository, never out of it. */
export function inside(path: string): string {
  const clean = posix.normalize(path.replace(/^\/+/, '') || '.').replace(/\/$/, '')
  return clean.startsWith('..') ? '.' : clean
}
