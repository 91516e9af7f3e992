import { signal } from '@preact/signals'
import { type Route, parseRoute, toPath } from './address.ts'

/** What is shown now. */
export const route = signal(parseRoute(location.pathname, location.search))

export function go(next: Route, how: 'push' | 'replace' = 'push'): void {
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', toPath(next))
  route.value = next
  if (how === 'push') scrollTo(0, 0)
}

export function watchHistory(): void {
  addEventListener('popstate', () => {
    route.value = parseRoute(location.pathname, location.search)
  })
}
