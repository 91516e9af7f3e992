import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { nameList } from './asked-facts.ts'
import type { RenderInput } from './engine.ts'

/**
 * Names a render by everything it depends on: same digest, same objects (I11). The commit is not
 * part of it, so a commit that changes nothing an application reads renders nothing.
 *
 * @throws TypeError for values JSON cannot hold (functions, NaN, bigint, cycles)
 */
export function renderInputDigest(input: RenderInput, rendererVersion: string): Digest {
  return digestOf(spell({ v: 1, rendererVersion, input: relevant(input) }, new Set()))
}

/** Leaves out what the kind of source does not read, so that it splits no cache entry. */
function relevant(input: RenderInput): unknown {
  const { kind, treeId, path, directory, helm, bases, patches, namespace, createNamespace } = input
  const common = { kind, treeId, path, patches, namespace, createNamespace }
  switch (kind) {
    case 'directory':
      return { ...common, directory }
    case 'kustomize':
      return { ...common, bases }
    case 'helm':
      return { ...common, helm: { ...helm, apiVersions: nameList(helm.apiVersions) } }
    default:
      return kind satisfies never
  }
}

/**
 * One spelling for any JSON value. Unlike canonicalJson it takes fractions, which users' helm
 * values hold: JSON.stringify gives each double exactly one shortest spelling.
 */
function spell(value: unknown, above: Set<object>): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value)
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no place in a render input`)
    return JSON.stringify(value)
  }
  if (typeof value !== 'object') {
    throw new TypeError(`a ${typeof value} has no place in a render input`)
  }
  if (above.has(value)) throw new TypeError('a render input refers to itself')
  above.add(value)
  const text = Array.isArray(value)
    ? `[${value.map((item) => spell(item, above)).join(',')}]`
    : `{${Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => `${JSON.stringify(key)}:${spell(member, above)}`)
        .join(',')}}`
  above.delete(value)
  return text
}
