import type { ClusterView } from '../../hub/api/views.ts'
import type { FakeHub } from './fake-hub.ts'

/** Makes a fake hub one of so many clusters, each with so many applications. */
export function widenFleet(
  { view }: Pick<FakeHub, 'view'>,
  { clusters, applications }: { readonly clusters: number; readonly applications: number },
): void {
  const [first] = view.clusters
  const [shop] = view.applications
  const [mine] = first!.applications
  const names = Array.from(
    { length: applications },
    (_, at) => `app-${String(at).padStart(2, '0')}`,
  )
  const all = names.map((name) => ({ ...mine!, name }))
  view.applications = names.map((name) => ({ ...shop!, name }))
  view.clusters = Array.from({ length: clusters }, (_, at): ClusterView => ({
    ...first!,
    name: `c${String(at).padStart(5, '0')}`,
    applications: all,
  }))
}
