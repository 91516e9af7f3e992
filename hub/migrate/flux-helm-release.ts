import { inside, toPatches } from './argocd-source.ts'
import { chartSource, tellChartFiles } from './chart.ts'
import { type Draft, toName } from './draft.ts'
import { clusterOf } from './flux-cluster.ts'
import {
  accountOf,
  dependencies,
  findRepository,
  type FluxNames,
  whereOf,
  words,
} from './flux-application.ts'
import {
  type ForeignDocument,
  listOf,
  type Members,
  membersOf,
  textOf,
  textsOf,
} from './foreign-document.ts'

const converted = [
  ...[
    'chart',
    'chartRef',
    'releaseName',
    'targetNamespace',
    'values',
    'dependsOn',
    'suspend',
    'install',
  ],
  ...[
    'upgrade',
    'rollback',
    'uninstall',
    'test',
    'interval',
    'timeout',
    'maxHistory',
    'driftDetection',
    'postRenderers',
    'serviceAccountName',
  ],
]
const chartConverted = [
  'chart',
  'version',
  'sourceRef',
  'valuesFiles',
  'interval',
  'reconcileStrategy',
]

/** `HelmRelease` → Application of a chart. */
export function addHelmRelease(draft: Draft, document: ForeignDocument, names: FluxNames): void {
  const spec = membersOf(document.value['spec'])
  draft.tellRest(document, ['spec'], spec, converted, {
    ...words,
    storageNamespace: 'there is no release to store',
    persistentClient: 'the agent applies objects itself',
  })
  const chart = membersOf(membersOf(spec['chart'])['spec'])
  draft.tellRest(document, ['spec', 'chart', 'spec'], chart, chartConverted, {
    verify: 'the commit of the chart is what can be verified',
  })
  const drift = membersOf(spec['driftDetection'])
  draft.tellRest(document, ['spec', 'driftDetection'], drift, ['mode'], words)
  const install = membersOf(spec['install'])
  const namespace = textOf(spec['targetNamespace']) ?? document.namespace
  const application = names.of.get(document)!
  const release = releaseOf(document, spec)
  const valuesFiles = textsOf(chart['valuesFiles'])
  const patches = listOf(spec['postRenderers']).flatMap((item, index) => {
    const path = ['spec', 'postRenderers', index, 'kustomize']
    const kustomize = membersOf(membersOf(item)['kustomize'])
    draft.tellRest(document, path, kustomize, ['patches'], words)
    return toPatches(draft, document, [...path, 'patches'], kustomize['patches'])
  })
  const where = whereOf(draft, document, names)
  const isHomeless = namespace === '' && names.places.bringersOf(document).length > 0
  if (isHomeless) {
    const words =
      'its kustomization gives it a namespace: write `targetNamespace`; it is suspended until then'
    draft.gap(document, [], words)
  }
  const { pick } = where
  const suspend = where.suspend || isHomeless
  const source = sourceOf(draft, document, spec, chart, names)
  const isRemote = source['helm'] !== undefined
  if (isRemote) {
    tellChartFiles(draft, document, ['spec', 'chart', 'spec', 'valuesFiles'], valuesFiles)
  }
  draft.add('Application', application, {
    source: {
      ...source,
      helm: {
        ...membersOf(source['helm']),
        ...(toName(release) !== application && { releaseName: toName(release) }),
        ...(spec['values'] !== undefined && { values: spec['values'] }),
        // Flux names them from the root of the repository.
        ...(!isRemote &&
          valuesFiles.length > 0 && { valuesFiles: valuesFiles.map((file) => `/${inside(file)}`) }),
      },
    },
    targets: [{ ...pick, ...(patches.length > 0 && { patches }) }],
    ...(namespace !== '' && { targetNamespace: toName(namespace) }),
    ...(namespace !== '' && install['createNamespace'] === true && { createNamespace: true }),
    drift: drift['mode'] === 'enabled' ? 'correct' : drift['mode'] === 'warn' ? 'report' : 'ignore',
    ...((suspend || spec['suspend'] === true) && { suspend: true }),
    ...accountOf(document, spec),
    ...dependencies(draft, document, spec, names),
  })
}

/** What Flux calls the release: objects of most charts are named after it, and have to stay the same. */
function releaseOf({ name }: ForeignDocument, spec: Members): string {
  const namespace = textOf(spec['targetNamespace'])
  return textOf(spec['releaseName']) ?? (namespace === undefined ? name : `${namespace}-${name}`)
}

function sourceOf(
  draft: Draft,
  document: ForeignDocument,
  spec: Members,
  chart: Members,
  names: FluxNames,
): Members {
  const path = ['spec', 'chart', 'spec', 'chart']
  const source = membersOf(chart['sourceRef'])
  const version = textOf(chart['version'])
  if (textOf(source['kind']) === 'GitRepository') {
    const repository = findRepository(
      draft,
      document,
      ['spec', 'chart', 'spec', 'sourceRef'],
      source,
      names,
    )
    return {
      ...(repository !== undefined && { repository }),
      path: inside(textOf(chart['chart']) ?? '.'),
    }
  }
  const reference = spec['chartRef'] === undefined ? source : membersOf(spec['chartRef'])
  const kind = textOf(reference['kind']) ?? 'HelmRepository'
  const name = textOf(reference['name']) ?? ''
  const namespace = textOf(reference['namespace']) ?? document.namespace
  const alike = names.documents.filter((other) => other.kind === kind && other.name === name)
  const near = alike.filter((other) => clusterOf(other.file) === clusterOf(document.file))
  const declared =
    near.find((other) => other.namespace === namespace) ??
    alike.find((other) => other.namespace === namespace) ??
    near[0] ??
    alike[0]
  const repo = textOf(membersOf(declared?.value['spec'])['url']) ?? ''
  const ref = membersOf(membersOf(declared?.value['spec'])['ref'])
  if (ref['digest'] !== undefined && declared) {
    draft.gap(declared, ['spec', 'ref', 'digest'], 'a chart is named by its version; write one')
  }
  const tag = textOf(ref['semver']) ?? textOf(ref['tag'])
  const place = spec['chartRef'] === undefined ? path : ['spec', 'chartRef']
  const remote =
    spec['chartRef'] === undefined
      ? { chart: textOf(chart['chart']) ?? name, repo, version }
      : { chart: repo === '' ? name : repo, repo: '', version: tag }
  return { ...chartSource(draft, document, place, remote) }
}
