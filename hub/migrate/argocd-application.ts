import type { Clusters } from './argocd-clusters.ts'
import { convertIgnore } from './argocd-ignore.ts'
import { convertSource, inside } from './argocd-source.ts'
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
import type { Pick } from './pick.ts'

/** An Application as it is written, or as an ApplicationSet makes it. */
export interface ArgoApplication {
  readonly name: string
  /** What Argo CD calls it on each cluster, and its Helm release with it; its name when left out. */
  readonly release?: string
  readonly metadata: Members
  readonly spec: Members
  /** Instead of the destination's cluster. */
  readonly pick?: Pick
  /** Kept when the Application goes. */
  readonly keep?: boolean
  /** Whether a directory, as far as it is at hand, holds a chart. */
  readonly isChart: (path: string) => boolean
  /** What a directory holds of Argo CD's own: nothing, something beside others, or nothing else. */
  readonly ownIn: (path: string) => 'none' | 'some' | 'all'
}

const words = {
  sources: 'several sources make several Applications',
  revisionHistoryLimit: 'the ledger keeps every rollout',
  info: 'write it into annotations',
}

/** @param at where its metadata and spec stand in the document */
export function addApplication(
  draft: Draft,
  clusters: Clusters,
  document: ForeignDocument,
  at: ForeignPath,
  { name, release = name, metadata, spec, pick, keep, isChart, ownIn }: ArgoApplication,
): void {
  const path = [...at, 'spec']
  draft.tellRest(
    document,
    path,
    spec,
    ['project', 'source', 'sources', 'destination', 'syncPolicy', 'ignoreDifferences'],
    words,
  )
  const destination = membersOf(spec['destination'])
  const cluster = pick ? undefined : clusters.find(destination)
  if (!pick && cluster === undefined) {
    draft.gap(document, [...path, 'destination'], 'names no cluster; the application is left out')
    return
  }
  const target: Pick = pick ?? { clusters: [cluster!] }
  const ignored = convertIgnore(
    draft,
    document,
    [...path, 'ignoreDifferences'],
    spec['ignoreDifferences'],
  )
  const sync = convertSync(draft, document, path, membersOf(spec['syncPolicy']))
  const namespace = textOf(destination['namespace'])
  const project = textOf(spec['project'])
  const finalizers = textsOf(metadata['finalizers'])
  const isKept =
    keep ?? !finalizers.some((one) => one.startsWith('resources-finalizer.argocd.argoproj.io'))
  const waits = textOf(membersOf(metadata['annotations'])['argocd.argoproj.io/sync-wave'])
  if (waits !== undefined && waits !== '0') {
    draft.gap(
      document,
      [...at, 'metadata', 'annotations', 'argocd.argoproj.io/sync-wave'],
      'waves between applications: say by `dependsOn` which come first',
    )
  }
  const single =
    spec['source'] === undefined ? [] : [[membersOf(spec['source']), [...path, 'source']] as const]
  const several = listOf(spec['sources']).map(
    (source, index) => [membersOf(source), [...path, 'sources', index]] as const,
  )
  // A source with a `ref` only lends its files to others.
  const lent = new Map(
    several.flatMap(([source]) =>
      textOf(source['ref']) === undefined ? [] : [[textOf(source['ref'])!, source] as const],
    ),
  )
  const rendered = [...single, ...several].filter(
    ([source]) => source['path'] !== undefined || source['chart'] !== undefined,
  )
  for (const [index, [source, place]] of rendered.entries()) {
    const { path: directory, repoURL, targetRevision, chart } = source
    if (/\$\{cluster\./.test(JSON.stringify([directory, repoURL, targetRevision, chart]))) {
      draft.gap(
        document,
        place,
        'where a source is cannot differ from cluster to cluster; write an Application for each, or use values and patches',
      )
      continue
    }
    const own = ownIn(inside(textOf(directory) ?? '.'))
    if (own !== 'none') {
      const words = {
        all: 'holds nothing but objects of Argo CD, which are converted themselves; it is left out',
        some: 'holds objects of Argo CD, which are converted themselves: it is suspended until they are taken out of there',
      }
      draft.gap(document, [...place, 'path'], words[own])
      if (own === 'all') continue
    }
    const { source: ours, patches, override } = convertSource(draft, document, place, source, lent)
    const suffix = rendered.length > 1 ? `-${index + 1}` : ''
    const wanted = toTemplatedName(release)
    const made = draft.freeName('Application', `${name}${suffix}`)
    draft.add('Application', made, {
      ...(project !== undefined && project !== 'default' && { project: toName(project) }),
      source: wanted === made ? ours : keepRelease(ours, wanted, isChart),
      targets: [{ ...target, ...(patches.length > 0 && { patches }) }],
      ...(namespace !== undefined && { targetNamespace: override ?? toTemplatedName(namespace) }),
      ...(namespace !== undefined && sync.createNamespace && { createNamespace: true }),
      ...sync.spec,
      ...(own === 'some' && { suspend: true }),
      ...(ignored.length > 0 && { ignoreDifferences: ignored }),
      deletionPolicy: isKept ? 'Orphan' : 'Delete',
    })
  }
}

/** Objects of most charts are named after the release, which Argo CD calls like the Application. */
function keepRelease(
  source: Members,
  releaseName: string,
  isChart: ArgoApplication['isChart'],
): Members {
  const isOther = source['kustomize'] !== undefined || source['directory'] !== undefined
  const isHelm =
    source['helm'] !== undefined || (!isOther && isChart(textOf(source['path']) ?? '.'))
  return isHelm ? { ...source, helm: { releaseName, ...membersOf(source['helm']) } } : source
}

/** A name may hold what is filled in for each cluster. */
function toTemplatedName(text: string): string {
  return /\$\{cluster\./.test(text) ? text : toName(text)
}

const syncOptions = new Set([
  'CreateNamespace=true',
  'ServerSideApply=true',
  'PruneLast=true',
  'Validate=true',
  'RespectIgnoreDifferences=true',
])

function convertSync(draft: Draft, document: ForeignDocument, at: ForeignPath, sync: Members) {
  const path = [...at, 'syncPolicy']
  draft.tellRest(document, path, sync, ['automated', 'syncOptions'], {
    retry: 'what fails is tried again, with back-off',
    managedNamespaceMetadata: 'put a Namespace with these among the objects',
  })
  const options = textsOf(sync['syncOptions'])
  for (const [index, option] of options.entries()) {
    if (!syncOptions.has(option)) {
      draft.gap(
        document,
        [...path, 'syncOptions', index],
        `the sync option ${option} has no counterpart`,
      )
    }
  }
  const createNamespace = options.includes('CreateNamespace=true')
  const isAutomated =
    sync['automated'] !== undefined &&
    sync['automated'] !== null &&
    membersOf(sync['automated'])['enabled'] !== false
  const automated = membersOf(sync['automated'])
  return {
    createNamespace,
    spec: {
      prune: automated['prune'] === true,
      drift: automated['selfHeal'] === true ? 'correct' : 'report',
      ...(automated['allowEmpty'] === true && { allowEmpty: true }),
      // Who syncs by hand approves by hand.
      ...(!isAutomated && { rollout: { waves: [{ name: 'all', before: [{ approval: {} }] }] } }),
    },
  }
}
