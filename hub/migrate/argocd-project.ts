import type { Clusters } from './argocd-clusters.ts'
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

const converted = [
  ...[
    'description',
    'sourceRepos',
    'destinations',
    'roles',
    'syncWindows',
    'clusterResourceWhitelist',
  ],
  ...['clusterResourceBlacklist', 'namespaceResourceWhitelist', 'namespaceResourceBlacklist'],
]

/** `AppProject` → `Project`. What Argo CD denies within what it allows has no counterpart, and is told. */
export function convertProject(draft: Draft, document: ForeignDocument, clusters: Clusters): void {
  const spec = membersOf(document.value['spec'])
  draft.tellRest(document, ['spec'], spec, converted, {
    orphanedResources: 'objects nobody declared are left alone',
    sourceNamespaces: 'applications are in the fleet repository',
  })
  const sources = keepAllowed(
    draft,
    document,
    ['spec', 'sourceRepos'],
    textsOf(spec['sourceRepos']),
  ).flatMap((url): Members[] =>
    url === '*' ? [{ repository: '**' }] : [{ url: url.replaceAll(/\*+/g, '**') }],
  )
  const destinations = listOf(spec['destinations']).flatMap((item, index) =>
    convertDestination(draft, document, ['spec', 'destinations', index], membersOf(item), clusters),
  )
  const rule = (allow: string, deny: string) => ({
    ...(spec[allow] !== undefined && { allow: toKinds(spec[allow]) }),
    ...(spec[deny] !== undefined && { deny: toKinds(spec[deny]) }),
  })
  const clusterScoped = rule('clusterResourceWhitelist', 'clusterResourceBlacklist')
  const namespaced = rule('namespaceResourceWhitelist', 'namespaceResourceBlacklist')
  const roles = listOf(spec['roles']).flatMap((item, index) =>
    convertRole(draft, document, ['spec', 'roles', index], membersOf(item)),
  )
  const windows = listOf(spec['syncWindows']).flatMap((item, index) =>
    convertWindow(draft, document, ['spec', 'syncWindows', index], membersOf(item), clusters),
  )
  if (sources.length === 0 || destinations.length === 0) {
    draft.gap(document, ['spec'], 'allows no source or no destination; the project is left out')
    return
  }
  draft.add('Project', toName(document.name), {
    ...(textOf(spec['description']) && { description: textOf(spec['description']) }),
    sources,
    destinations,
    kinds: {
      ...(Object.keys(clusterScoped).length > 0 && { clusterScoped }),
      ...(Object.keys(namespaced).length > 0 && { namespaced }),
    },
    ...(roles.length > 0 && { roles }),
    ...(windows.length > 0 && { windows }),
  })
}

function keepAllowed(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  texts: readonly string[],
): string[] {
  return texts.filter((text, index) => {
    if (text.startsWith('!'))
      draft.gap(
        document,
        [...path, index],
        `"${text}": what is allowed is listed here, denials have no counterpart`,
      )
    return !text.startsWith('!')
  })
}

function convertDestination(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  destination: Members,
  clusters: Clusters,
): Members[] {
  const namespace = textOf(destination['namespace']) ?? '*'
  const where = textOf(destination['name']) ?? textOf(destination['server']) ?? '*'
  const allowed = keepAllowed(draft, document, path, [namespace, where])
  const isName = /^[a-z0-9*?]([-a-z0-9*?]{0,61}[a-z0-9*?])?$/.test(namespace)
  if (allowed.length < 2) return []
  if (!isName) {
    draft.gap(
      document,
      [...path, 'namespace'],
      `"${namespace}" is no glob of namespaces; the destination is left out`,
    )
    return []
  }
  if (where !== '*' && /[*?[{]/.test(where)) {
    draft.gap(
      document,
      path,
      `clusters are not picked by a glob ("${where}"); the destination is left out`,
    )
    return []
  }
  const pick: Pick =
    where === '*' ? { clusterSelector: {} } : { clusters: [clusters.find(destination)!] }
  return [{ ...pick, namespaces: [namespace] }]
}

function toKinds(value: unknown): string[] {
  return listOf(value).map((item) => {
    const { group, kind } = membersOf(item)
    const [g, k] = [textOf(group) ?? '', textOf(kind) ?? '*']
    if (g === '*' && k === '*') return '*'
    return g === '' ? k : `${g}/${k}`
  })
}

const actions: Readonly<Record<string, readonly string[]>> = {
  get: ['read'],
  sync: ['plan', 'start'],
  '*': ['*'],
}

/** `p, proj:team:role, applications, sync, team/*, allow` */
function convertRole(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  role: Members,
): Members[] {
  draft.tellRest(document, path, role, ['name', 'description', 'groups', 'policies'], {
    jwtTokens: 'callers bring tokens of the hub',
  })
  const allow = textsOf(role['policies']).flatMap((policy, index) => {
    const [, , resource, action = '', object = '', effect] = policy
      .split(',')
      .map((part) => part.trim())
    const ours = actions[action]
    if (resource !== 'applications' || ours === undefined || effect === 'deny') {
      draft.gap(document, [...path, 'policies', index], `"${policy}" has no counterpart`)
      return []
    }
    const application = object.split('/').at(-1) ?? '*'
    return [{ actions: [...ours], ...(application !== '*' && { applications: [application] }) }]
  })
  if (allow.length === 0) {
    draft.gap(document, path, 'nothing of this role has a counterpart; it is left out')
    return []
  }
  const groups = textsOf(role['groups'])
  return [
    {
      name: toName(textOf(role['name']) ?? 'role'),
      ...(textOf(role['description']) !== undefined && {
        description: textOf(role['description']),
      }),
      ...(groups.length > 0 && { groups }),
      allow,
    },
  ]
}

function convertWindow(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  window: Members,
  clusters: Clusters,
): Members[] {
  draft.tellRest(
    document,
    path,
    window,
    ['kind', 'schedule', 'duration', 'applications', 'clusters', 'timeZone', 'description'],
    {
      manualSync: 'a window holds for everybody',
      namespaces: 'windows are for applications and clusters',
    },
  )
  const applications = textsOf(window['applications'])
  const named = textsOf(window['clusters'])
  const globs = named.filter((name) => name !== '*' && /[*?]/.test(name))
  if (globs.length > 0) {
    draft.gap(
      document,
      [...path, 'clusters'],
      'clusters are not picked by globs; the window is left out',
    )
    return []
  }
  const isEverywhere = named.length === 0 || named.includes('*')
  return [
    {
      kind: window['kind'] === 'allow' ? 'allow' : 'deny',
      schedule: textOf(window['schedule']) ?? '',
      duration: textOf(window['duration']) ?? '',
      ...(textOf(window['timeZone']) !== undefined && { timeZone: textOf(window['timeZone']) }),
      ...(applications.length > 0 && !applications.includes('*') && { applications }),
      ...(!isEverywhere && { clusters: named.map((name) => clusters.find({ name })!) }),
      ...(textOf(window['description']) !== undefined && { reason: textOf(window['description']) }),
    },
  ]
}
