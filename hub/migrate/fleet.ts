import { posix } from 'node:path'
import { matchesGlob } from '@groundswell/proto/glob.ts'
import { inside } from './argocd-source.ts'
import { convertBundle } from './fleet-bundle.ts'
import { createDraft, type Draft, toName } from './draft.ts'
import {
  type ForeignDocument,
  listOf,
  membersOf,
  readForeign,
  textOf,
  textsOf,
} from './foreign-document.ts'
import type { Convert, Migration } from './migration.ts'
import { type Pick, toPick } from './pick.ts'

const api = 'fleet.cattle.io/v1alpha1'

/**
 * Rancher Fleet: `GitRepo`, `Cluster`, `ClusterGroup`, and each `fleet.yaml` of the directories a
 * GitRepo names. A `fleet.yaml` that none names is converted too, for every cluster.
 */
export const convertFleet: Convert = (files): Migration => {
  const { documents, gaps } = readForeign(
    files,
    ({ path, text }) => posix.basename(path) === 'fleet.yaml' || text.includes('fleet.cattle.io/'),
  )
  const draft = createDraft(gaps)
  const ours = documents.filter(({ apiVersion }) => apiVersion === api)
  const bundles = documents.filter(
    ({ file, apiVersion }) => posix.basename(file) === 'fleet.yaml' && apiVersion === '',
  )
  for (const document of ours) {
    const spec = membersOf(document.value['spec'])
    if (document.kind === 'Cluster') {
      const metadata = membersOf(document.value['metadata'])
      draft.add('Cluster', toName(document.name), {}, toLabels(metadata['labels']))
    } else if (document.kind === 'ClusterGroup') {
      draft.add('ClusterGroup', toName(document.name), { selector: spec['selector'] ?? {} })
    } else if (document.kind !== 'GitRepo') {
      draft.gap(document, [], `the kind ${document.kind} has no counterpart`)
    }
  }
  const paths = files.map(({ path }) => path)
  const names = new Map<string, string>()
  const claimed = new Set<ForeignDocument>()
  const later: (() => void)[] = []
  for (const repo of ours.filter(({ kind }) => kind === 'GitRepo')) {
    const spec = membersOf(repo.value['spec'])
    const from = convertRepository(draft, repo)
    const picks = listPicks(draft, repo)
    const wanted = textsOf(spec['paths'])
    for (const path of wanted.length === 0 ? ['.'] : wanted.map(inside)) {
      const mine = bundles.filter(({ file }) => isBelow(posix.dirname(file), path))
      for (const one of mine) claimed.add(one)
      const directories = mine.map((one) => [posix.dirname(one.file), one] as const)
      for (const [directory, bundle] of mine.length > 0
        ? directories
        : [[path, undefined] as const]) {
        const name = toName(`${repo.name}-${directory === '.' ? '' : directory}`)
        later.push(() =>
          convertBundle({ draft, repo, bundle, directory, from, picks, name, names, paths }),
        )
        const own = bundle && textOf(bundle.value['name'])
        names.set(own ?? name, toName(own ?? name))
      }
    }
  }
  for (const bundle of bundles.filter((one) => !claimed.has(one))) {
    const directory = posix.dirname(bundle.file)
    const name = toName(textOf(bundle.value['name']) ?? posix.basename(directory))
    draft.gap(
      bundle,
      [],
      'no GitRepo here names this directory: it is suspended until you say where it goes, by `targets`',
    )
    const picks: Pick[] = [{ clusterSelector: {} }]
    later.push(() => convertBundle({ draft, bundle, directory, picks, name, names, paths }))
    names.set(name, name)
  }
  // All names are known by now, so that one can depend on another.
  for (const convert of later) convert()
  return draft.finish()
}

const repoConverted = [
  ...[
    'repo',
    'branch',
    'revision',
    'paths',
    'targets',
    'pollingInterval',
    'paused',
    'correctDrift',
  ],
  ...['targetNamespace', 'keepResources', 'clientSecretName'],
]

function convertRepository(draft: Draft, repo: ForeignDocument): string {
  const spec = membersOf(repo.value['spec'])
  draft.tellRest(repo, ['spec'], spec, repoConverted, {
    serviceAccount:
      'say in which namespace it is: `serviceAccount: NAMESPACE/NAME` of an Application',
    helmSecretName: 'charts come from Git; see `credential` of a Repository',
    insecureSkipTLSVerify: 'certificates are always verified',
  })
  const secret = textOf(spec['clientSecretName'])
  if (secret !== undefined) {
    draft.gap(
      repo,
      ['spec', 'clientSecretName'],
      `write the credential "${secret}" into the hub’s credentials file`,
    )
  }
  const revision = textOf(spec['revision']) ?? textOf(spec['branch'])
  return draft.repository(textOf(spec['repo']) ?? '', revision, {
    ...(isDuration(spec['pollingInterval']) && { interval: spec['pollingInterval'] }),
    ...(secret !== undefined && { credential: secret }),
  })
}

function listPicks(draft: Draft, repo: ForeignDocument): Pick[] {
  const targets = membersOf(repo.value['spec'])['targets']
  if (targets === undefined) {
    if (!draft.has('ClusterGroup', 'default'))
      draft.add('ClusterGroup', 'default', { clusters: [] })
    draft.gap(
      repo,
      ['spec'],
      'has no `targets`, so it goes to the ClusterGroup `default`; see that it is right',
    )
    return [{ clusterGroup: 'default' }]
  }
  return listOf(targets).flatMap(
    (target, index) => toPick(draft, repo, ['spec', 'targets', index], membersOf(target)) ?? [],
  )
}

/** Fleet reads a path and all below; a path may be a glob. */
function isBelow(directory: string, path: string): boolean {
  return path === '.' || matchesGlob(path, directory) || matchesGlob(`${path}/**`, directory)
}

function isDuration(value: unknown): value is string {
  return typeof value === 'string' && /^([0-9]{1,8}(ms|s|m|h)){1,8}$/.test(value)
}

export function toLabels(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(membersOf(value)).flatMap(([key, text]) =>
      textOf(text) === undefined ? [] : [[key, textOf(text)!]],
    ),
  )
}
