/** Every state a person may want to send somebody has an address. */
export type Route =
  | { readonly page: 'fleet'; readonly filter: string }
  | { readonly page: 'clusters' }
  | { readonly page: 'cluster'; readonly name: string; readonly application: string | null }
  | { readonly page: 'applications' }
  | { readonly page: 'application'; readonly name: string }
  | { readonly page: 'rollouts' }
  | { readonly page: 'rollout'; readonly id: string }
  | { readonly page: 'events' }
  | { readonly page: 'missing'; readonly path: string }

const base = '/ui/'
const lists = ['clusters', 'applications', 'rollouts', 'events'] as const

function isList(text: string): text is (typeof lists)[number] {
  return (lists as readonly string[]).includes(text)
}

export function parseRoute(path: string, search: string): Route {
  const parts = readSteps(path)
  if (!parts) return { page: 'missing', path }
  const query = new URLSearchParams(search)
  const [kind, name] = parts
  if (parts.length === 0) return { page: 'fleet', filter: query.get('filter') ?? '' }
  if (parts.length === 1 && kind !== undefined && isList(kind)) return { page: kind }
  if (parts.length === 2 && name !== undefined) {
    if (kind === 'clusters') {
      return { page: 'cluster', name, application: query.get('application') }
    }
    if (kind === 'applications') return { page: 'application', name }
    if (kind === 'rollouts') return { page: 'rollout', id: name }
  }
  return { page: 'missing', path }
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
    case 'application':
      return `${base}applications/${encodeURIComponent(route.name)}`
    case 'rollout':
      return `${base}rollouts/${encodeURIComponent(route.id)}`
    case 'missing':
      return route.path
    case 'clusters':
    case 'applications':
    case 'rollouts':
    case 'events':
      return `${base}${route.page}`
  }
}
