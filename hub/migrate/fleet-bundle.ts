import { posix } from 'node:path'
import { type ChartSource, chartSource } from './chart.ts'
import { translateTemplates } from './cluster-templates.ts'
import { type Draft, toName } from './draft.ts'
import {
  type ForeignDocument,
  type ForeignPath,
  listOf,
  type Members,
  membersOf,
  textOf,
  textsOf,
} from './foreign-document.ts'
import { both, type Pick, toPick } from './pick.ts'

export interface Bundle {
  readonly draft: Draft
  readonly repo?: ForeignDocument
  /** Its `fleet.yaml`, if it has one. */
  readonly bundle?: ForeignDocument | undefined
  readonly directory: string
  /** Name of the Repository; the fleet repository when left out. */
  readonly from?: string
  /** Where it goes at all. */
  readonly picks: readonly Pick[]
  readonly name: string
  /** Bundles by the name others depend on → Applications. */
  readonly names: ReadonlyMap<string, string>
  /** Of all files, to tell what a directory holds. */
  readonly paths: readonly string[]
}

const converted = [
  ...[
    'name',
    'defaultNamespace',
    'namespace',
    'helm',
    'kustomize',
    'targetCustomizations',
    'dependsOn',
  ],
  ...['rolloutStrategy', 'keepResources', 'paused', 'correctDrift', 'labels', 'overrideTargets'],
]
const helmConverted = ['chart', 'repo', 'version', 'releaseName', 'values', 'valuesFiles']
const customConverted = [
  ...['name', 'clusterSelector', 'clusterGroup', 'clusterGroupSelector', 'clusterName', 'helm'],
  ...['kustomize', 'namespace', 'defaultNamespace', 'doNotDeploy'],
]
const words = {
  yaml: 'overlays of plain YAML; write kustomize patches into the targets',
  diff: 'what other managers own never counts as drift here',
  ignore: 'health is judged by the objects’ own rules',
  takeOwnership: 'objects without an owner are adopted',
}

/** A bundle → one Application, or one a directory where customizations render another one. */
export function convertBundle(asked: Bundle): void {
  const { draft, bundle, repo } = asked
  const value = bundle ? translate(draft, bundle) : {}
  const given = { ...asked, picks: listPicks(asked, value) }
  const document = (bundle ?? repo)!
  if (bundle) draft.tellRest(bundle, [], value, converted, words)
  const spec = membersOf(repo?.value['spec'])
  const helm = membersOf(value['helm'])
  if (bundle) draft.tellRest(bundle, ['helm'], helm, helmConverted)
  const base = placeOf(given, document, ['helm'], membersOf(value['kustomize']), helm)
  const customizations = bundle ? listCustomizations(given, bundle, value, base) : []
  const written = listOf(value['targetCustomizations']).length
  // What could not be said may have kept it off a cluster: better nowhere than where it must not be.
  const isPartial =
    customizations.length < written ||
    customizations.some(({ picks }) => picks.length < given.picks.length)
  if (isPartial)
    draft.gap(
      document,
      ['targetCustomizations'],
      'not all could be converted: it is suspended until `targets` are right',
    )
  const isSuspended = isPartial || !repo || (value['paused'] ?? spec['paused']) === true
  const places = new Map([[keyOf(base), { place: base, label: '' }]])
  for (const { place, label } of customizations) {
    if (place && !places.has(keyOf(place))) places.set(keyOf(place), { place, label })
  }
  const bundleName = textOf(value['name']) ?? given.name
  const namespace =
    textOf(value['namespace']) ??
    textOf(spec['targetNamespace']) ??
    textOf(value['defaultNamespace'])
  if (value['namespace'] !== undefined) {
    draft.gap(
      document,
      ['namespace'],
      '`namespace` is for objects that name none; those that name another keep it',
    )
  }
  const isCorrected = membersOf(value['correctDrift'] ?? spec['correctDrift'])['enabled'] === true
  const dependsOn = bundle ? listDependencies(given, bundle) : []
  const strategy = membersOf(value['rolloutStrategy'])
  for (const [key, { place, label }] of places) {
    const targets = customizations.flatMap(({ picks, target, place: other }) =>
      picks.map((pick) =>
        keyOf(other ?? base) === key ? { ...pick, ...target } : { ...pick, exclude: true },
      ),
    )
    const isBase = key === keyOf(base)
    if (isBase) targets.push(...given.picks)
    const name = draft.freeName('Application', `${bundleName}${isBase ? '' : `-${label}`}`)
    draft.add(
      'Application',
      name,
      {
        source: {
          ...(given.from !== undefined && { repository: given.from }),
          path: place.path,
          ...keepRelease(sourceKind(given, value, place), name, bundleName),
        },
        targets: numberNames(
          targets.length > 0 ? targets : [{ clusterSelector: {}, exclude: true }],
        ),
        ...(namespace !== undefined && {
          targetNamespace: toName(namespace),
          createNamespace: true,
        }),
        ...(isSuspended && { suspend: true }),
        ...((value['keepResources'] ?? spec['keepResources']) === true && {
          deletionPolicy: 'Orphan',
        }),
        drift: isCorrected ? 'correct' : 'report',
        ...(dependsOn.length > 0 && { dependsOn }),
        ...(bundle &&
          Object.keys(strategy).length > 0 && { rollout: toRollout(draft, bundle, strategy) }),
      },
      {},
    )
  }
}

/** Where it goes: what a `fleet.yaml` says of it comes before what its GitRepo says. */
function listPicks({ draft, bundle, picks }: Bundle, value: Members): readonly Pick[] {
  if (!bundle || value['overrideTargets'] === undefined) return picks
  return listOf(value['overrideTargets']).flatMap(
    (target, index) => toPick(draft, bundle, ['overrideTargets', index], membersOf(target)) ?? [],
  )
}

/** Objects of most charts are named after the release, which is called like the bundle. */
function keepRelease(source: Members, name: string, bundleName: string): Members {
  if (source['helm'] === undefined || name === toName(bundleName)) return source
  return { helm: { releaseName: toName(bundleName), ...membersOf(source['helm']) } }
}

function translate(draft: Draft, bundle: ForeignDocument): Members {
  const unknown = new Set<string>()
  const value = membersOf(translateTemplates(bundle.value, unknown))
  for (const text of unknown) draft.gap(bundle, [], `${text} has no counterpart; it stays as it is`)
  return value
}

/** What a directory is rendered as; told from its files, which are not all at hand. */
function sourceKind(bundle: Bundle, value: Members, source: ChartSource): Members {
  const { paths, directory } = bundle
  const { path: place, helm: remote } = source
  const helm = membersOf(value['helm'])
  const kustomize = membersOf(value['kustomize'])
  const holds = (file: string) => paths.includes(posix.join(place, file))
  const given = {
    ...remote,
    ...(helm['values'] !== undefined && { values: helm['values'] }),
    ...(helm['valuesFiles'] !== undefined && {
      valuesFiles: textsOf(helm['valuesFiles']).map((file) => relativeTo(place, directory, file)),
    }),
  }
  if (isChart(bundle, source, helm)) return { helm: given }
  if (
    kustomize['dir'] !== undefined ||
    ['yaml', 'yml'].some((end) => holds(`kustomization.${end}`))
  )
    return { kustomize: {} }
  return paths.some((path) => path.startsWith(`${place}/`))
    ? { directory: { recurse: true, exclude: ['fleet.yaml'] } }
    : {}
}

const keyOf = (place: ChartSource) => JSON.stringify([place.path, place.helm])

/** What a bundle renders, and the name of its release where one is given. */
function placeOf(
  given: Bundle,
  document: ForeignDocument,
  path: ForeignPath,
  kustomize: Members,
  helm: Members,
): ChartSource {
  const place = filesOf(given, document, path, kustomize, helm)
  const release = textOf(helm['releaseName'])
  if (release === undefined || !isChart(given, place, helm)) return place
  return { ...place, helm: { ...place.helm, releaseName: toName(release) } }
}

/** Fleet wraps plain manifests into a chart of its own; here they stay what they are. */
function isChart({ paths }: Bundle, { path, helm: remote }: ChartSource, helm: Members): boolean {
  if (helm['chart'] !== undefined || remote['chart'] !== undefined) return true
  if (paths.some((file) => file.startsWith(path === '.' ? '' : `${path}/`)))
    return paths.includes(posix.join(path, 'Chart.yaml'))
  // Its files are in another repository: what is given for a chart is of one.
  return helm['values'] !== undefined || helm['valuesFiles'] !== undefined
}

/** Where a bundle’s files are: its own directory, its kustomization or its chart. */
function filesOf(
  { draft, directory }: Bundle,
  document: ForeignDocument,
  path: ForeignPath,
  kustomize: Members,
  helm: Members,
): ChartSource {
  const dir = textOf(kustomize['dir'])
  if (dir !== undefined) return { path: posix.join(directory, dir), helm: {} }
  const chart = textOf(helm['chart'])
  if (chart === undefined) return { path: directory, helm: {} }
  const repo = textOf(helm['repo']) ?? ''
  if (repo === '' && !/^(oci|https?):\/\//.test(chart)) {
    return { path: posix.join(directory, chart), helm: {} }
  }
  const remote = { chart, repo, version: textOf(helm['version']) }
  return chartSource(draft, document, [...path, 'chart'], remote, directory)
}

/** Fleet names values files from the bundle's directory, we from where the chart is. */
function relativeTo(place: string, directory: string, file: string): string {
  return posix.relative(place, posix.join(directory, file)) || '.'
}

interface Customization {
  readonly picks: readonly Pick[]
  readonly target: Members
  /** Where it renders something else. */
  readonly place?: ChartSource
  /** Tells what it renders from what others do. */
  readonly label: string
}

function listCustomizations(
  given: Bundle,
  bundle: ForeignDocument,
  value: Members,
  base: ChartSource,
): Customization[] {
  const { draft, directory } = given
  return listOf(value['targetCustomizations']).flatMap((item, index) => {
    const path = ['targetCustomizations', index]
    const one = membersOf(item)
    draft.tellRest(bundle, path, one, customConverted, words)
    const pick = toPick(draft, bundle, path, one)
    if (!pick) return []
    const picks = given.picks.flatMap((outer) => {
      const inner = both(pick, outer)
      if (!inner)
        draft.gap(
          bundle,
          [...path, 'clusterGroup'],
          'clusters of two groups at once cannot be picked; make a group of them',
        )
      return inner ?? []
    })
    const helm = membersOf(one['helm'])
    const kustomize = membersOf(one['kustomize'])
    draft.tellRest(bundle, [...path, 'helm'], helm, helmConverted)
    // Another version, repository or name of the release is another source, too.
    const isElsewhere =
      kustomize['dir'] !== undefined ||
      ['chart', 'repo', 'version', 'releaseName'].some((field) => helm[field] !== undefined)
    const place = isElsewhere
      ? placeOf(given, bundle, [...path, 'helm'], kustomize, {
          ...membersOf(value['helm']),
          ...helm,
        })
      : undefined
    const namespace = textOf(one['namespace']) ?? textOf(one['defaultNamespace'])
    const name = textOf(one['name'])
    const target = {
      ...(name !== undefined && { name: toName(name) }),
      ...(one['doNotDeploy'] === true && { exclude: true }),
      ...(helm['values'] !== undefined && { values: helm['values'] }),
      ...(helm['valuesFiles'] !== undefined && {
        valuesFiles: textsOf(helm['valuesFiles']).map((file) =>
          relativeTo((place ?? base).path, directory, file),
        ),
      }),
      ...(namespace !== undefined && { namespace: toName(namespace) }),
    }
    return [
      {
        ...{ picks, target, label: labelOf(base, place, name) },
        ...(place !== undefined && { place }),
      },
    ]
  })
}

function labelOf(base: ChartSource, place: ChartSource | undefined, name: string | undefined) {
  const chart = textOf(place?.helm['chart'])
  if (place && chart !== undefined && chart !== base.helm['chart']) return chart
  if (place && place.path !== base.path) return posix.basename(place.path)
  return name ?? 'other'
}

function listDependencies({ draft, names }: Bundle, bundle: ForeignDocument): Members[] {
  return listOf(bundle.value['dependsOn']).flatMap((item, index) => {
    const { name, ...rest } = membersOf(item)
    draft.tellRest(bundle, ['dependsOn', index], rest, [])
    const known = names.get(textOf(name) ?? '')
    if (known === undefined && name !== undefined) {
      draft.gap(bundle, ['dependsOn', index, 'name'], `there is no bundle "${textOf(name)}" here`)
    }
    return known === undefined ? [] : [{ name: known }]
  })
}

function toRollout(draft: Draft, bundle: ForeignDocument, strategy: Members): Members {
  const path = ['rolloutStrategy']
  draft.tellRest(bundle, path, strategy, ['maxUnavailable', 'partitions'], {
    autoPartitionSize: 'write waves by `count`',
    maxUnavailablePartitions: 'a wave begins when the one before is done',
  })
  const limit = (value: unknown) => (value === undefined ? {} : { maxConcurrent: value })
  const waves = listOf(strategy['partitions']).flatMap((item, index) => {
    const partition = membersOf(item)
    const pick = toPick(draft, bundle, [...path, 'partitions', index], partition)
    const { clusterSelector, ...rest } = pick ?? {}
    const name = toName(textOf(partition['name']) ?? `partition-${index + 1}`)
    if (!pick) return []
    return [
      {
        name,
        ...(clusterSelector && { selector: clusterSelector }),
        ...rest,
        ...limit(partition['maxUnavailable']),
      },
    ]
  })
  return {
    waves: [
      ...waves,
      { name: waves.length > 0 ? 'rest' : 'all', ...limit(strategy['maxUnavailable']) },
    ],
  }
}

/** A target's name is there once; the same customization may make several targets. */
function numberNames(targets: readonly Members[]): Members[] {
  const seen = new Map<unknown, number>()
  return targets.map((target) => {
    const { name, ...rest } = target
    if (name === undefined || target['exclude'] === true) return rest
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return times === 1 ? target : { ...target, name: `${textOf(name)}-${times}` }
  })
}
