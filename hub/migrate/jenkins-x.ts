import { posix } from 'node:path'
import { chartSource } from './chart.ts'
import { createDraft, type Draft, toName } from './draft.ts'
import {
  type ForeignDocument,
  listOf,
  type Members,
  membersOf,
  readForeign,
  textOf,
  textsOf,
} from './foreign-document.ts'
import type { Convert, Migration } from './migration.ts'
import type { Pick } from './pick.ts'

const requirementsFiles = ['jx-requirements.yml', 'jx-requirements.yaml']

/**
 * A Jenkins X environment repository. What `jx gitops` rendered into `config-root` is taken as it is:
 * an application for each release of a namespace, one for definitions, one for what is
 * cluster-wide. Releases of a helmfile that were not rendered, and the chart `env` of Jenkins X 2,
 * become applications of charts.
 */
export const convertJenkinsX: Convert = (files): Migration => {
  const { documents, gaps } = readForeign(files, ({ path }) =>
    ['helmfile.yaml', 'requirements.yaml', 'Chart.yaml', ...requirementsFiles].includes(
      posix.basename(path),
    ),
  )
  const draft = createDraft(gaps)
  const paths = files.map(({ path }) => path)
  const find = (...names: string[]) => documents.find(({ file }) => names.includes(file))
  const requirements = find(...requirementsFiles)
  const { pick, rollout } = readRequirements(draft, requirements)
  // It would come to every cluster.
  const common = { targets: [pick], ...(pick.clusters ? {} : { suspend: true }), ...rollout }

  const namespaces = listDirectories(paths, 'config-root/namespaces')
  for (const namespace of namespaces) {
    for (const release of listDirectories(paths, `config-root/namespaces/${namespace}`)) {
      draft.add('Application', draft.freeName('Application', release), {
        source: {
          path: `config-root/namespaces/${namespace}/${release}`,
          directory: { recurse: true },
        },
        targetNamespace: toName(namespace),
        ...common,
      })
    }
  }
  for (const [directory, name] of [
    ['customresourcedefinitions', 'definitions'],
    ['cluster', 'cluster-wide'],
  ] as const) {
    if (!paths.some((path) => path.startsWith(`config-root/${directory}/`))) continue
    draft.add('Application', draft.freeName('Application', name), {
      source: { path: `config-root/${directory}`, directory: { recurse: true } },
      // What all others stand on stays until somebody says otherwise.
      deletionPolicy: 'Orphan',
      ...common,
    })
  }
  for (const helmfile of documents.filter(({ file }) => posix.basename(file) === 'helmfile.yaml')) {
    convertHelmfile(draft, helmfile, common, paths)
  }
  const chart = find('env/Chart.yaml')
  if (chart) convertEnvironmentChart(draft, chart, find('env/requirements.yaml'), common, paths)
  for (const [start, message] of [
    ['.lighthouse/', 'pipelines stay where they run; they may go on committing here'],
    ['versionStream/', 'versions are what is committed; nothing reads the version stream'],
  ] as const) {
    const first = paths.find((path) => path.startsWith(start))
    if (first !== undefined && requirements) draft.gap(requirements, [], `${start} ${message}`)
  }
  return draft.finish()
}

function listDirectories(paths: readonly string[], parent: string): string[] {
  const below = paths.filter((path) => path.startsWith(`${parent}/`))
  const names = below.flatMap((path) => {
    const [name, rest] = path.slice(parent.length + 1).split('/')
    return rest === undefined ? [] : name!
  })
  return [...new Set(names)].sort()
}

/** Which cluster, and whether a person lets a promotion through. */
function readRequirements(
  draft: Draft,
  document: ForeignDocument | undefined,
): { pick: Pick; rollout: Members } {
  if (!document) return { pick: { clusterSelector: {} }, rollout: {} }
  // From Jenkins X 3 on it is an object of its own kind.
  const base = document.kind === 'Requirements' ? ['spec'] : []
  const value = base.length > 0 ? membersOf(document.value['spec']) : document.value
  const known = ['apiVersion', 'kind', 'metadata', 'cluster', 'environments']
  draft.tellRest(document, base, value, known, {
    ingress: 'declare it as objects of an application',
    vault:
      'an agent reads Vault by its own settings (--vault); Secrets refer to it as vault:PATH#KEY',
    secretStorage: 'an agent has its own settings for a Vault; other stores by External Secrets',
    webhook: 'see `swell` for webhooks of the fleet repository',
  })
  const cluster = membersOf(value['cluster'])
  const name = textOf(cluster['clusterName'])
  draft.tellRest(document, [...base, 'cluster'], cluster, [
    'clusterName',
    'provider',
    'region',
    'zone',
    'project',
  ])
  if (name === undefined) {
    draft.gap(
      document,
      base,
      'names no cluster: what is converted is suspended until you do, by `targets`',
    )
  }
  const here = listOf(value['environments']).map((item) => membersOf(item))
  here.forEach((environment, index) => {
    if (environment['remoteCluster'] === true) {
      draft.gap(
        document,
        [...base, 'environments', index, 'remoteCluster'],
        `the environment "${textOf(environment['key'])}" has a cluster and a repository of its own: migrate that, too`,
      )
    }
  })
  const strategies = here
    .filter((environment) => environment['remoteCluster'] !== true && environment['key'] !== 'dev')
    .map((environment) => textOf(environment['promotionStrategy']))
  const isManual = strategies.length > 0 && strategies.every((one) => one === 'Manual')
  return {
    pick: name === undefined ? { clusterSelector: {} } : { clusters: [draft.cluster(name)] },
    rollout: isManual ? { rollout: { waves: [{ name: 'all', before: [{ approval: {} }] }] } } : {},
  }
}

const releaseConverted = [
  'name',
  'chart',
  'version',
  'namespace',
  'values',
  'condition',
  'installed',
]

function convertHelmfile(
  draft: Draft,
  document: ForeignDocument,
  common: Members,
  paths: readonly string[],
): void {
  const directory = posix.dirname(document.file)
  draft.tellRest(document, [], document.value, [
    ...[
      'filepath',
      'namespace',
      'repositories',
      'releases',
      'environments',
      'helmfiles',
      'helmDefaults',
      'templates',
      'missingFileHandler',
      'renderedvalues',
    ],
  ])
  const urls = new Map(
    listOf(document.value['repositories']).map((item) => [
      textOf(membersOf(item)['name']) ?? '',
      textOf(membersOf(item)['url']) ?? '',
    ]),
  )
  listOf(document.value['releases']).forEach((item, index) => {
    const release = membersOf(item)
    const path = ['releases', index]
    const name = textOf(release['name']) ?? posix.basename(textOf(release['chart']) ?? 'release')
    const namespace =
      textOf(release['namespace']) ?? textOf(document.value['namespace']) ?? 'default'
    // Rendered already: its objects are in Git.
    if (paths.some((one) => one.startsWith(`config-root/namespaces/${namespace}/${name}/`))) return
    draft.tellRest(document, path, release, releaseConverted)
    if (release['installed'] === false) return
    const chart = textOf(release['chart']) ?? ''
    const [repository, ...rest] = chart.split('/')
    const isLocal = chart.startsWith('.')
    const source = isLocal
      ? { path: posix.join(directory, chart), helm: {} }
      : chartSource(draft, document, [...path, 'chart'], {
          chart: rest.join('/') || chart,
          repo: urls.get(repository ?? '') ?? '',
          version: textOf(release['version']),
        })
    const valuesFiles = textsOf(release['values']).flatMap((file, at) => {
      const inGit = posix.join(directory, file)
      if (!file.endsWith('.gotmpl') && paths.includes(inGit)) return [`/${inGit}`]
      draft.gap(
        document,
        [...path, 'values', at],
        `${file} is a template or not here; write its values out`,
      )
      return []
    })
    draft.add('Application', draft.freeName('Application', name), {
      source: {
        path: source.path,
        helm: {
          ...source.helm,
          releaseName: toName(name),
          ...(valuesFiles.length > 0 && { valuesFiles }),
        },
      },
      targetNamespace: toName(namespace),
      createNamespace: true,
      ...common,
    })
  })
}

/** Jenkins X 2: one chart whose dependencies are what runs. */
function convertEnvironmentChart(
  draft: Draft,
  chart: ForeignDocument,
  requirements: ForeignDocument | undefined,
  common: Members,
  paths: readonly string[],
): void {
  const holder = requirements ?? chart
  listOf(holder.value['dependencies']).forEach((item, index) => {
    const { name, repository, version } = membersOf(item)
    const own = textOf(name) ?? ''
    if (paths.some((path) => path.startsWith(`env/charts/${own}/`))) return
    const exact = textOf(version) === undefined ? '' : ` ${textOf(version)}`
    draft.gap(
      holder,
      ['dependencies', index],
      `the chart ${own}${exact} of ${textOf(repository) ?? 'no repository'} is not in Git; run helm dependency update env, and commit what it writes`,
    )
  })
  draft.add('Application', draft.freeName('Application', textOf(chart.value['name']) ?? 'env'), {
    source: { path: 'env', helm: {} },
    targetNamespace: 'jx',
    createNamespace: true,
    ...common,
  })
  draft.gap(
    chart,
    ['name'],
    'its namespace is not in the repository: see that `targetNamespace` is right',
  )
}
