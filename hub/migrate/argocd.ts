import { posix } from 'node:path'
import { addApplication } from './argocd-application.ts'
import { type Clusters, readClusters } from './argocd-clusters.ts'
import { convertProject } from './argocd-project.ts'
import { expandSet } from './argocd-set.ts'
import { createDraft } from './draft.ts'
import { type ForeignDocument, membersOf, readForeign } from './foreign-document.ts'
import type { Convert, Migration } from './migration.ts'
import { reachOf, sortApplied } from './reach.ts'

/** Kinds that configure Argo CD; others of its group, such as Rollout, are for clusters. */
const owned = new Set(['Application', 'ApplicationSet', 'AppProject'])

/**
 * Argo CD: `Application`, `ApplicationSet` (list, clusters and git generators), `AppProject`, and the
 * Secrets that declare clusters. Directories and files of git generators are looked for among the
 * files given.
 */
export const convertArgocd: Convert = (files): Migration => {
  const { documents, gaps } = readForeign(files, ({ text }) => text.includes('argoproj.io'))
  const draft = createDraft(gaps)
  const clusters: Clusters = readClusters(draft, documents)
  const paths = new Set(files.map(({ path }) => path))
  const isChart = (path: string) => paths.has(posix.join(path, 'Chart.yaml'))
  const isOwn = ({ apiVersion, kind }: ForeignDocument) =>
    apiVersion.startsWith('argoproj.io/') && owned.has(kind)
  const byPath = new Map(files.map((file) => [file.path, file]))
  const ownIn = (path: string) => {
    const { own, isMixed } = sortApplied(reachOf(path, byPath), documents, isOwn, byPath)
    return own.length === 0 ? 'none' : isMixed ? 'some' : 'all'
  }
  const ours = documents.filter(({ apiVersion }) => apiVersion.startsWith('argoproj.io/'))
  for (const document of ours.filter(({ kind }) => kind === 'AppProject')) {
    convertProject(draft, document, clusters)
  }
  for (const document of ours) {
    switch (document.kind) {
      case 'Application':
        addApplication(draft, clusters, document, [], {
          ...{ name: document.name, isChart, ownIn },
          metadata: membersOf(document.value['metadata']),
          spec: membersOf(document.value['spec']),
        })
        break
      case 'ApplicationSet':
        expandSet(draft, clusters, document, files, { isChart, ownIn })
        break
      case 'AppProject':
        break
      default:
        draft.gap(document, [], `the kind ${document.kind} has no counterpart`)
    }
  }
  // Argo CD's own project is there whether declared or not, and limits nothing.
  for (const { kind, spec } of draft.finish().documents) {
    const project = spec['project']
    if (kind !== 'Application' || typeof project !== 'string' || draft.has('Project', project))
      continue
    draft.add('Project', project, {
      description: 'Declared by hand: the AppProject was not among the files',
      sources: [{ repository: '**' }],
      destinations: [{ clusterSelector: {}, namespaces: ['*'] }],
      kinds: { clusterScoped: { allow: ['*'] } },
    })
  }
  return draft.finish()
}
