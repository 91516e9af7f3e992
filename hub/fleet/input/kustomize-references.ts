import { posix } from 'node:path'
import { isScalar, visit } from 'yaml'
import { isRecord } from '@groundswell/proto/record.ts'
import { readLoosely } from '../load/loose-yaml.ts'

/** Names kustomize looks for, in its order. */
export const kustomizationFiles = [
  'kustomization.yaml',
  'kustomization.yml',
  'Kustomization',
] as const

const pathLists = [
  'resources',
  'components',
  'bases',
  'crds',
  'generators',
  'transformers',
  'validators',
  'configurations',
  'patchesStrategicMerge',
] as const

/**
 * Local paths a kustomization names, relative to the repository's root: what must be in the tree
 * that is rendered. URLs are left out, the engine refuses them. A file that cannot be read as a
 * kustomization names nothing: the engine says what is wrong with it, better than we could.
 *
 * @param directory where the kustomization stands, relative to the repository's root
 * @param remote entries that are of another repository, although they look like paths
 * @returns paths; those that begin with `../` lead out of the repository
 */
export function listKustomizeReferences(
  directory: string,
  text: string,
  remote: ReadonlySet<string> = new Set(),
): string[] {
  const value = readKustomization(text)
  if (!value) return []
  const found: unknown[] = []
  for (const name of pathLists) found.push(...list(value[name]))
  for (const name of ['patches', 'patchesJson6902', 'replacements']) {
    for (const item of list(value[name])) if (isRecord(item)) found.push(item['path'])
  }
  for (const name of ['configMapGenerator', 'secretGenerator']) {
    for (const item of list(value[name])) {
      if (!isRecord(item)) continue
      found.push(...[...list(item['files']), ...list(item['envs']), item['env']].map(withoutKey))
    }
  }
  if (isRecord(value['openapi'])) found.push(value['openapi']['path'])
  return found
    .filter((path): path is string => typeof path === 'string' && isLocal(path))
    .filter((path) => !remote.has(path))
    .map((path) => posix.join(directory, path))
}

/** Fields that name what a kustomization reads. */
const fields = new Map(
  [
    ...pathLists,
    ...['patches', 'patchesJson6902', 'replacements', 'configMapGenerator', 'secretGenerator'],
    ...['openapi', 'path', 'files', 'envs', 'env'],
  ].map((field) => [fold(field), field]),
)

/** A kustomization, its fields in the letters they are looked for in: kustomize takes them in any. */
export function readKustomization(text: string): Record<string, unknown> | undefined {
  return readLoosely(text, {}, (document) =>
    visit(document, {
      Pair(_, { key }) {
        if (isScalar(key) && typeof key.value === 'string') {
          key.value = fields.get(fold(key.value)) ?? key.value
        }
      },
    }),
  )
}

/** As Go tells names of fields apart. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** `key=path` of a generator's file. */
function withoutKey(entry: unknown): unknown {
  return typeof entry === 'string' ? entry.slice(entry.indexOf('=') + 1) : entry
}

function isLocal(path: string): boolean {
  // An inline patch has lines; a URL or a host has a colon.
  return path !== '' && !path.includes('\n') && !path.includes(':') && !path.startsWith('/')
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
