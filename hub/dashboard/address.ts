/** A change to the fleet repository, as its Git host names it. */
export interface ProposalOf {
  readonly kind: (typeof proposalKinds)[number]
  readonly name: string
}

export const proposalKinds = ['pullRequest', 'branch', 'commit'] as const

/** Every state a person may want to send somebody has an address. */
export type Route =
  | { readonly page: 'fleet'; readonly filter: string }
  | { readonly page: 'clusters' }
  | { readonly page: 'cluster'; readonly name: string; readonly application: string | null }
  | { readonly page: 'applications' }
  /** With a cluster, what it is made of there. */
  | { readonly page: 'application'; readonly name: string; readonly cluster: string | null }
  /** What would roll out; with `live` the clusters are asked what they say to it. */
  | { readonly page: 'plan'; readonly name: string; readonly live: boolean }
  /** What a change that nobody merged would bring; null asks which. */
  | { readonly page: 'proposal'; readonly of: ProposalOf | null }
  | { readonly page: 'rollouts' }
  | { readonly page: 'rollout'; readonly id: string }
  | { readonly page: 'events' }
  | { readonly page: 'drift' }
  | { readonly page: 'holds' }
  | { readonly page: 'windows' }
  | { readonly page: 'policies' }
  /** Lines of the ledger after this index; null is the newest. */
  | { readonly page: 'audit'; readonly after: number | null }
  | { readonly page: 'missing'; readonly path: string }

const base = '/ui/'
const lists = [
  ...(['clusters', 'applications', 'rollouts', 'events'] as const),
  ...(['drift', 'holds', 'windows', 'policies'] as const),
] as const

function isList(text: string): text is (typeof lists)[number] {
  return (lists as readonly string[]).includes(text)
}

export function parseRoute(path: string, search: string): Route {
  const parts = readSteps(path)
  if (!parts) return { page: 'missing', path }
  const query = new URLSearchParams(search)
  const [kind, name] = parts
  if (parts.length === 0) return { page: 'fleet', filter: query.get('filter') ?? '' }
  if (parts.length === 1 && kind === 'audit') return { page: 'audit', after: toIndex(query) }
  if (parts.length === 1 && kind === 'pull-requests') {
    return { page: 'proposal', of: toProposal(query) }
  }
  if (parts.length === 1 && kind !== undefined && isList(kind)) return { page: kind }
  if (parts.length === 2 && name !== undefined) {
    if (kind === 'clusters') {
      return { page: 'cluster', name, application: query.get('application') }
    }
    if (kind === 'applications') {
      return { page: 'application', name, cluster: query.get('cluster') }
    }
    if (kind === 'rollouts') return { page: 'rollout', id: name }
  }
  if (parts.length === 3 && kind === 'applications' && name !== undefined && parts[2] === 'plan') {
    return { page: 'plan', name, live: query.get('live') === 'true' }
  }
  return { page: 'missing', path }
}

function toProposal(query: URLSearchParams): ProposalOf | null {
  const kind = proposalKinds.find((one) => query.get(one))
  return kind === undefined ? null : { kind, name: query.get(kind)! }
}

function toIndex(query: URLSearchParams): number | null {
  const text = query.get('after') ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** Undefined for what is no text in a URL. */
function readSteps(path: string): string[] | undefined {
  try {
    return path.slice(base.length).split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

export function toPath(route: Route): string {
  switch (route.page) {
    case 'fleet':
      return route.filter === '' ? base : `${base}?filter=${encodeURIComponent(route.filter)}`
    case 'cluster': {
      const query =
        route.application === null ? '' : `?application=${encodeURIComponent(route.application)}`
      return `${base}clusters/${encodeURIComponent(route.name)}${query}`
    }
    case 'application': {
      const query = route.cluster === null ? '' : `?cluster=${encodeURIComponent(route.cluster)}`
      return `${base}applications/${encodeURIComponent(route.name)}${query}`
    }
    case 'plan': {
      const query = route.live ? '?live=true' : ''
      return `${base}applications/${encodeURIComponent(route.name)}/plan${query}`
    }
    case 'proposal': {
      const query =
        route.of === null ? '' : `?${route.of.kind}=${encodeURIComponent(route.of.name)}`
      return `${base}pull-requests${query}`
    }
    case 'audit':
      return `${base}audit${route.after === null ? '' : `?after=${route.after}`}`
    case 'rollout':
      return `${base}rollouts/${encodeURIComponent(route.id)}`
    case 'missing':
      return route.path
    case 'clusters':
    case 'applications':
    case 'rollouts':
    case 'events':
    case 'drift':
    case 'holds':
    case 'windows':
    case 'policies':
      return `${base}${route.page}`
  }
}

/** What a tab or a bookmark of it is called. */
export function toTitle(route: Route): string {
  const words = sayTitle(route)
  return words === '' ? 'Groundswell' : `${words} · Groundswell`
}

function sayTitle(route: Route): string {
  switch (route.page) {
    case 'fleet':
      return route.filter === '' ? '' : `Fleet: ${route.filter}`
    case 'cluster':
      return `Cluster ${route.name}${route.application === null ? '' : `: ${route.application}`}`
    case 'application':
      return `Application ${route.name}${route.cluster === null ? '' : ` on ${route.cluster}`}`
    case 'plan':
      return `Plan of ${route.name}${route.live ? ', as clusters see it' : ''}`
    case 'rollout':
      return `Rollout ${route.id}`
    case 'proposal':
      if (route.of === null) return 'Pull requests'
      return `${proposalWords[route.of.kind]}${route.of.name}`
    case 'missing':
      return 'No such page'
    case 'audit':
      return route.after === null ? 'Audit' : `Audit after ${route.after}`
    case 'clusters':
    case 'applications':
    case 'rollouts':
    case 'events':
    case 'drift':
    case 'holds':
    case 'windows':
    case 'policies':
      return route.page.charAt(0).toUpperCase() + route.page.slice(1)
  }
}

const proposalWords = {
  pullRequest: 'Pull request #',
  branch: 'Branch ',
  commit: 'Commit ',
} as const
