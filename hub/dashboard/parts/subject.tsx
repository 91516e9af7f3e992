import type { Route } from '../address.ts'
import { Link, toApplication, toCluster, toRollout } from './link.tsx'

const pageOf: Readonly<Record<string, (name: string) => Route>> = {
  cluster: toCluster,
  application: toApplication,
  rollout: toRollout,
}

/** What an event is about, `kind/name`, with the way there where it has a page. */
export function Subject({ subject }: { readonly subject: string }) {
  const slash = subject.indexOf('/')
  const to = Object.hasOwn(pageOf, subject.slice(0, slash))
    ? pageOf[subject.slice(0, slash)]
    : undefined
  if (!to) return <code>{subject}</code>
  return (
    <Link to={to(subject.slice(slash + 1))}>
      <code>{subject}</code>
    </Link>
  )
}
