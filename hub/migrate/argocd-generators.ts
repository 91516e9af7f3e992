import { posix } from 'node:path'
import { matchesGlob } from '@groundswell/proto/glob.ts'
import { matchesSelector } from '../fleet/resolve/selector.ts'
import { type Draft, toName } from './draft.ts'
import {
  type ForeignDocument,
  type ForeignPath,
  listOf,
  type Members,
  membersOf,
  readValuesList,
  textOf,
} from './foreign-document.ts'
import type { ForeignFile } from './migration.ts'
import { fillParameters, flatten, type Parameters } from './parameters.ts'
import { both, type Pick } from './pick.ts'

/** What a template is filled with, once. */
export interface ParameterSet {
  readonly parameters: Parameters
  /** The clusters it is for; from the template when left out. */
  readonly pick?: Pick
}

const none = 'this generator has no counterpart; nothing is made of it'

/** Parameter sets of one generator, in the order it would make them. */
export function listParameters(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  generator: Members,
  template: Members,
  files: readonly ForeignFile[],
): ParameterSet[] {
  const { selector, ...kinds } = generator
  const sets = Object.entries(kinds).flatMap(([kind, value]): ParameterSet[] => {
    const at = [...path, kind]
    const body = membersOf(value)
    if (body['template'] !== undefined) {
      draft.gap(
        document,
        [...at, 'template'],
        '`template`: one of a generator’s own has no counterpart',
      )
    }
    if (body['pathParamPrefix'] !== undefined)
      draft.gap(document, [...at, 'pathParamPrefix'], '`pathParamPrefix` has no counterpart')
    switch (kind) {
      case 'list':
        if (body['elementsYaml'] !== undefined) draft.gap(document, [...at, 'elementsYaml'], none)
        return listOf(body['elements']).map((element) => ({ parameters: flatten(element) }))
      case 'clusters':
        return [forClusters(body, template)]
      case 'git':
        return [
          ...listDirectories(draft, document, at, body, files),
          ...listFiles(draft, document, at, body, files),
        ].map((parameters) => ({ parameters: withValues(body, parameters) }))
      default:
        draft.gap(document, at, `\`${kind}\`: ${none}`)
        return []
    }
  })
  if (selector === undefined) return sets
  const wanted = membersOf(selector)
  return sets.flatMap((set) => {
    if (!set.pick) return matchesSelector(wanted, set.parameters) ? [set] : []
    const labels = toClusterLabels(wanted)
    const pick = labels && both(set.pick, { clusterSelector: labels })
    if (pick) return [{ ...set, pick }]
    // Without it, clusters would get what they were kept from.
    draft.gap(
      document,
      [...path, 'selector'],
      '`selector`: of clusters only labels can be asked for; nothing is made of this generator',
    )
    return []
  })
}

/** A selector over parameters of clusters → one over their labels, if it asks for nothing else. */
function toClusterLabels(selector: Members): Members | undefined {
  const prefix = 'metadata.labels.'
  const labels = Object.entries(membersOf(selector['matchLabels']))
  const expressions = listOf(selector['matchExpressions']).map(membersOf)
  const keys = [...labels.map(([key]) => key), ...expressions.map(({ key }) => textOf(key) ?? '')]
  if (!keys.every((key) => key.startsWith(prefix))) return undefined
  return {
    ...(labels.length > 0 && {
      matchLabels: Object.fromEntries(
        labels.map(([key, value]) => [key.slice(prefix.length), value]),
      ),
    }),
    ...(expressions.length > 0 && {
      matchExpressions: expressions.map((one) => ({
        ...one,
        key: textOf(one['key'])!.slice(prefix.length),
      })),
    }),
  }
}

/** One application whose targets pick what the generator would have picked. */
function forClusters(body: Members, template: Members): ParameterSet {
  const text = JSON.stringify([body['values'], template])
  const written = /metadata\.labels(?:\.([\w/-]+)|\[\\?["']([^\]"'\\]+)|\s+\\?["`]([^"`\\]+))/g
  const labels = [...text.matchAll(written)].map(
    ([, plain, quoted, indexed]) => (plain ?? quoted ?? indexed)!,
  )
  const parameters = {
    ...{ name: '${cluster.name}', nameNormalized: '${cluster.name}', server: '${cluster.name}' },
    ...Object.fromEntries(
      labels.map((label) => [`metadata.labels.${label}`, `\${cluster.labels.${label}}`]),
    ),
  }
  return {
    parameters: withValues(body, parameters),
    pick: { clusterSelector: membersOf(body['selector']) },
  }
}

function withValues(body: Members, parameters: Parameters): Parameters {
  const values = flatten(fillParameters(membersOf(body['values']), parameters, new Set()), 'values')
  return { ...parameters, ...values }
}

function listDirectories(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  body: Members,
  files: readonly ForeignFile[],
): Parameters[] {
  if (listOf(body['directories']).length === 0) return []
  const rules = listOf(body['directories']).map((item) => membersOf(item))
  const matches = (directory: string, isExcluded: boolean) =>
    rules.some(
      (rule) =>
        (rule['exclude'] === true) === isExcluded &&
        matchesGlob(textOf(rule['path']) ?? '', directory),
    )
  const directories = new Set<string>()
  for (const file of files) {
    for (let at = posix.dirname(file.path); at !== '.'; at = posix.dirname(at)) directories.add(at)
  }
  const found = [...directories]
    .sort()
    .filter((directory) => matches(directory, false) && !matches(directory, true))
  if (found.length === 0)
    draft.gap(
      document,
      [...path, 'directories'],
      'no directory here matches; nothing is made of it',
    )
  return found.map(pathParameters)
}

function listFiles(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  body: Members,
  files: readonly ForeignFile[],
): Parameters[] {
  const patterns = listOf(body['files']).map((item) => textOf(membersOf(item)['path']) ?? '')
  if (patterns.length === 0) return []
  const found = files
    .filter((file) => patterns.some((pattern) => matchesGlob(pattern, file.path)))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  if (found.length === 0) draft.gap(document, [...path, 'files'], 'no file here matches')
  return found.flatMap((file) => {
    const values = readValuesList(file.text)
    if (values === undefined)
      draft.gap(
        document,
        [...path, 'files'],
        `${file.path} is no map of YAML or JSON, nor a list of them`,
      )
    const where = {
      ...pathParameters(posix.dirname(file.path)),
      'path.filename': posix.basename(file.path),
    }
    return (values ?? []).map((value) => ({ ...flatten(value), ...where }))
  })
}

/** The names of both kinds of templates. */
function pathParameters(directory: string): Parameters {
  const segments = directory.split('/')
  const names = {
    path: directory,
    'path.path': directory,
    'path.basename': posix.basename(directory),
    'path.basenameNormalized': toName(posix.basename(directory)),
  }
  const parts = segments.flatMap((segment, at) => [
    [`path.${at}`, segment],
    [`path.segments.${at}`, segment],
  ])
  return { ...names, ...(Object.fromEntries(parts) as Parameters) }
}
