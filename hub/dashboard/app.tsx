import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, leave } from './data/client.ts'
import { follow, live } from './data/live.ts'
import { Application } from './pages/application.tsx'
import { Applications } from './pages/applications.tsx'
import { Audit } from './pages/audit.tsx'
import { Cluster } from './pages/cluster.tsx'
import { Clusters } from './pages/clusters.tsx'
import { Drift } from './pages/drift.tsx'
import { Events } from './pages/events.tsx'
import { Fleet } from './pages/fleet.tsx'
import { Holds } from './pages/holds.tsx'
import { Plan } from './pages/plan.tsx'
import { Policies } from './pages/policies.tsx'
import { Proposal } from './pages/proposal.tsx'
import { Rollout } from './pages/rollout.tsx'
import { Rollouts } from './pages/rollouts.tsx'
import { Windows } from './pages/windows.tsx'
import { Confirm } from './parts/confirm.tsx'
import { Link } from './parts/link.tsx'
import { Login } from './parts/login.tsx'
import { Search } from './parts/search.tsx'
import { Fault } from './parts/shown.tsx'
import { Theme } from './parts/theme.tsx'
import { type Route, toPath, toTitle } from './address.ts'
import { route } from './route.ts'
import { session } from './session.ts'

const sections = [
  { to: { page: 'fleet', filter: '' }, label: 'Fleet' },
  { to: { page: 'clusters' }, label: 'Clusters' },
  { to: { page: 'applications' }, label: 'Applications' },
  { to: { page: 'rollouts' }, label: 'Rollouts' },
  { to: { page: 'proposal', of: null }, label: 'Pull requests' },
  { to: { page: 'drift' }, label: 'Drift' },
  { to: { page: 'holds' }, label: 'Holds' },
  { to: { page: 'windows' }, label: 'Windows' },
  { to: { page: 'policies' }, label: 'Policies' },
  { to: { page: 'events' }, label: 'Events' },
  { to: { page: 'audit', after: null }, label: 'Audit' },
] as const satisfies readonly { to: Route; label: string }[]

const sectionOf: Partial<Record<Route['page'], string>> = {
  cluster: 'clusters',
  application: 'applications',
  plan: 'applications',
  rollout: 'rollouts',
}

export function App() {
  return session.value === null ? <Login /> : <Inside />
}

function Inside() {
  useEffect(() => {
    const stop = new AbortController()
    void follow(stop.signal)
    return () => stop.abort()
  }, [])
  const at = route.value
  // Tabs, bookmarks and screen readers tell pages apart by it.
  useEffect(() => {
    document.title = toTitle(at)
  }, [at])
  const [stays, setStays] = useState<ApiError>()
  const signOut = (): void => {
    setStays(undefined)
    leave().catch((error: unknown) =>
      setStays(error instanceof ApiError ? error : new ApiError(0, String(error))),
    )
  }
  const section = sectionOf[at.page] ?? at.page
  const pages = useRef<HTMLSpanElement>(null)
  // On a phone they are a row that moves sideways: where somebody is has to be in sight.
  useEffect(() => {
    const [row, here] = [pages.current, pages.current?.querySelector<HTMLElement>('.here')]
    if (row && here) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2
  }, [section])
  return (
    <>
      <nav class="top" aria-label="Pages">
        <b class="brand">Groundswell</b>
        <span class="pages" ref={pages}>
          {sections.map(({ to, label }) => (
            <Link key={label} to={to} class={to.page === section ? 'here' : ''}>
              {label}
            </Link>
          ))}
        </span>
        <span class="space" />
        <Search />
        <Theme />
        <span class={`live ${live.value}`} role="status">
          {live.value === 'live' ? 'live' : live.value === 'cut' ? 'no news: trying again' : '…'}
        </span>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </nav>
      {live.value === 'cut' && (
        <p class="notice" role="alert">
          The stream of events is cut. What you see may be old until it is back.
        </p>
      )}
      {stays && <Fault error={stays} retry={signOut} />}
      <Page at={at} />
      <Confirm />
    </>
  )
}

function Page({ at }: { readonly at: Route }) {
  switch (at.page) {
    case 'fleet':
      return <Fleet filter={at.filter} />
    case 'clusters':
      return <Clusters />
    case 'cluster':
      return <Cluster key={at.name} name={at.name} application={at.application} />
    case 'applications':
      return <Applications />
    case 'application':
      return <Application key={at.name} name={at.name} cluster={at.cluster} />
    case 'rollouts':
      return <Rollouts />
    case 'rollout':
      return <Rollout key={at.id} id={at.id} />
    case 'plan':
      return <Plan key={at.name} name={at.name} live={at.live} />
    case 'proposal':
      return <Proposal key={toPath(at)} of={at.of} />
    case 'drift':
      return <Drift />
    case 'holds':
      return <Holds />
    case 'windows':
      return <Windows />
    case 'policies':
      return <Policies />
    case 'audit':
      return <Audit after={at.after} />
    case 'events':
      return <Events />
    case 'missing':
      return (
        <main>
          <h1>There is no such page</h1>
          <p>
            <code>{at.path}</code>
          </p>
        </main>
      )
  }
}
