import { posix } from 'node:path'
import { inside, toPatches } from './argocd-source.ts'
import { type Draft, toName } from './draft.ts'
import { clusterOf } from './flux-cluster.ts'
import type { FluxPlaces } from './flux-places.ts'
import {
  type ForeignDocument,
  type ForeignPath,
  listOf,
  type Members,
  membersOf,
  textOf,
} from './foreign-document.ts'
import { toHealthChecks } from './flux-health.ts'
import type { Pick } from './pick.ts'

/** What Flux's objects are called here. */
export interface FluxNames {
  /** Applications. */
  readonly of: ReadonlyMap<ForeignDocument, string>
  /** `namespace/name` of a GitRepository → Repository. */
  readonly repositories: ReadonlyMap<string, string>
  readonly documents: readonly ForeignDocument[]
  readonly places: FluxPlaces
}

const converted = [
  ...['sourceRef', 'path', 'prune', 'targetNamespace', 'suspend', 'dependsOn', 'patches'],
  ...['deletionPolicy', 'wait', 'interval', 'retryInterval', 'timeout', 'force'],
  ...['healthCheckExprs', 'serviceAccountName', 'decryption'],
]

export const words = {
  images: 'write it into the kustomization',
  components: 'write it into the kustomization',
  namePrefix: 'write it into the kustomization',
  nameSuffix: 'write it into the kustomization',
  commonMetadata: 'write it into the kustomization',
  postBuild: 'variables are not substituted; use patches, or a chart’s values',
  healthChecks: 'every object of an application is waited for',
  kubeConfig: 'each cluster has an agent of its own: pick the cluster by `targets`',
  valuesFrom: 'write the values out: nothing is read from the cluster',
  ignore: 'what other managers own never counts as drift here',
}

/** `Kustomization` of kustomize.toolkit.fluxcd.io → Application. */
export function addFluxApplication(
  draft: Draft,
  document: ForeignDocument,
  names: FluxNames,
  paths: readonly string[],
): void {
  const spec = membersOf(document.value['spec'])
  draft.tellRest(document, ['spec'], spec, converted, words)
  const { own, isMixed } = names.places.heldBy(document)
  if (own.length > 0) tellHeld(draft, document, spec, isMixed)
  if (own.length > 0 && !isMixed) {
    listDependencies(draft, document, spec, names)
    return
  }
  const source = membersOf(spec['sourceRef'])
  const repository = findRepository(draft, document, ['spec', 'sourceRef'], source, names)
  if (textOf(source['kind']) !== 'GitRepository') {
    draft.gap(
      document,
      ['spec', 'sourceRef'],
      `a source of kind ${textOf(source['kind'])} has no counterpart; the application is taken from the fleet repository`,
    )
  }
  const path = inside(textOf(spec['path']) ?? '.')
  const patches = toPatches(draft, document, ['spec', 'patches'], spec['patches'])
  const healthCheckExprs = toHealthChecks(draft, document, spec['healthCheckExprs'])
  const namespace = textOf(spec['targetNamespace'])
  tellDecryption(draft, document, spec)
  const { pick, suspend } = whereOf(draft, document, names)
  draft.add('Application', names.of.get(document)!, {
    source: {
      ...(repository !== undefined && { repository }),
      path,
      ...kindOf(path, paths),
    },
    targets: [{ ...pick, ...(patches.length > 0 && { patches }) }],
    ...(namespace !== undefined && { targetNamespace: toName(namespace) }),
    prune: spec['prune'] === true,
    ...((suspend || isMixed || spec['suspend'] === true) && { suspend: true }),
    deletionPolicy: isKept(spec) ? 'Orphan' : 'Delete',
    ...(healthCheckExprs.length > 0 && { healthCheckExprs }),
    ...accountOf(document, spec),
    ...dependencies(draft, document, spec, names),
  })
}

/** Delivered to a cluster, objects of Flux would have it go on beside us, with what we make of them. */
function tellHeld(draft: Draft, document: ForeignDocument, spec: Members, isMixed: boolean): void {
  draft.gap(
    document,
    ['spec', 'path'],
    isMixed
      ? 'holds objects of Flux, which become Applications themselves: it is suspended until they are taken out of there'
      : 'holds nothing but objects of Flux, which become Applications themselves; it is left out',
  )
  for (const field of ['patches', 'targetNamespace']) {
    if (spec[field] === undefined) continue
    draft.gap(
      document,
      ['spec', field],
      `\`${field}\`: write it into the Applications that it is for`,
    )
  }
}

/** Flux looks for the account beside the object that names it. */
export function accountOf(document: ForeignDocument, spec: Members): Members {
  const name = textOf(spec['serviceAccountName'])
  if (name === undefined) return {}
  return { serviceAccount: `${document.namespace || 'default'}/${name}` }
}

/** Agents open SOPS files by themselves, with keys that nobody has given them yet. */
function tellDecryption(draft: Draft, document: ForeignDocument, spec: Members): void {
  const { provider, secretRef } = membersOf(spec['decryption'])
  if (provider === undefined) return
  const path = ['spec', 'decryption']
  if (provider !== 'sops') {
    draft.gap(document, path, `the provider ${JSON.stringify(provider)} has no counterpart`)
    return
  }
  const secret = textOf(membersOf(secretRef)['name'])
  const keys = secret === undefined ? 'the age or PGP keys' : `the keys of Secret "${secret}"`
  draft.gap(
    document,
    path,
    `agents open SOPS files themselves: put ${keys} into their Secret groundswell-agent-sops on each cluster`,
  )
}

/** Flux deletes what it applied, unless told otherwise or told not to prune. */
function isKept(spec: Members): boolean {
  const policy = textOf(spec['deletionPolicy']) ?? 'MirrorPrune'
  return policy === 'Orphan' || (policy === 'MirrorPrune' && spec['prune'] !== true)
}

/** Without a kustomization Flux makes one of all manifests, those in directories below too. */
function kindOf(path: string, paths: readonly string[]): Members {
  const below = paths.filter((one) => path === '.' || one.startsWith(`${path}/`))
  if (below.length === 0) return {}
  const isKustomization = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'].some(
    (name) => below.includes(posix.join(path, name)),
  )
  return isKustomization ? { kustomize: {} } : { directory: { recurse: true } }
}

/** Suspended where nothing says which cluster is meant: it would come to all of them. */
export function whereOf(
  draft: Draft,
  document: ForeignDocument,
  { places }: FluxNames,
): { readonly pick: Pick; readonly suspend: boolean } {
  const clusters = places.clustersOf(document).map((cluster) => draft.cluster(cluster))
  if (clusters.length > 0) {
    const isChanged = places.isChanged(document)
    if (isChanged) {
      const words =
        'is changed by the kustomization that brings it: write that into `targets`; it is suspended until then'
      draft.gap(document, [], words)
    }
    return { pick: { clusters }, suspend: isChanged }
  }
  draft.gap(
    document,
    [],
    'nothing says which cluster it is for: it is suspended until you do, by `targets`',
  )
  return { pick: { clusterSelector: {} }, suspend: true }
}

/** Name of the Repository; undefined, and told, when it is not among the files. */
export function findRepository(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  source: Members,
  { repositories }: FluxNames,
): string | undefined {
  if (textOf(source['kind']) !== 'GitRepository') return undefined
  const name = textOf(source['name']) ?? ''
  const namespace = textOf(source['namespace']) ?? document.namespace
  // Flux's own repository is the one that its configuration is in: here, the fleet repository.
  if (name === 'flux-system') return undefined
  const found =
    repositories.get(`${namespace}/${name}`) ??
    repositories.get(`/${name}`) ??
    [...repositories].find(([key]) => key.endsWith(`/${name}`))?.[1]
  if (found === undefined) {
    draft.gap(
      document,
      [...path, 'name'],
      `there is no GitRepository "${name}" here; the application is taken from the fleet repository`,
    )
  }
  return found
}

export function dependencies(
  draft: Draft,
  document: ForeignDocument,
  spec: Members,
  names: FluxNames,
): Members {
  const mine = listDependencies(draft, document, spec, names)
  // What its Kustomization waited for, it waits for; what is wrong with that is told there.
  const silent: Draft = { ...draft, gap: () => undefined, tellRest: () => undefined }
  const brought = names.places
    .bringersOf(document)
    .flatMap((from) => listDependencies(silent, from, membersOf(from.value['spec']), names))
  const clusters = names.places.clustersOf(document)
  const everywhere = brought.filter((other) => {
    const there = new Set(names.places.clustersOf(other))
    return other !== document && clusters.every((cluster) => there.has(cluster))
  })
  const all = new Set([...mine, ...everywhere].map((other) => names.of.get(other)!))
  return all.size > 0 ? { dependsOn: [...all].map((name) => ({ name })) } : {}
}

function listDependencies(
  draft: Draft,
  document: ForeignDocument,
  spec: Members,
  names: FluxNames,
): ForeignDocument[] {
  return listOf(spec['dependsOn']).flatMap((item, index) => {
    const { name, namespace, ...rest } = membersOf(item)
    const path = ['spec', 'dependsOn', index]
    draft.tellRest(document, path, rest, [])
    const candidates = [...names.of.keys()].filter(
      (other) =>
        other.kind === document.kind &&
        other.name === textOf(name) &&
        (textOf(namespace) ?? document.namespace) === other.namespace,
    )
    const other =
      candidates.find(({ file }) => clusterOf(file) === clusterOf(document.file)) ?? candidates[0]
    if (!other || other.name === 'flux-system') {
      draft.gap(document, [...path, 'name'], `there is no ${document.kind} "${textOf(name)}" here`)
      return []
    }
    return standIns(other, names)
  })
}

/** What becomes of a Kustomization: itself, or the releases it brings. */
function standIns(
  document: ForeignDocument,
  names: FluxNames,
  seen = new Set<ForeignDocument>(),
): ForeignDocument[] {
  if (seen.has(document)) return []
  seen.add(document)
  const { own } = names.places.heldBy(document)
  if (own.length === 0) return [document]
  return own.filter((one) => names.of.has(one)).flatMap((one) => standIns(one, names, seen))
}
