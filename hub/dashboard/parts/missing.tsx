import type { ComponentChildren } from 'preact'
import type { Route } from '../address.ts'
import type { ApiError } from '../data/client.ts'
import { Link } from './link.tsx'

/** A page about something that is not there: said once, and where to find what is. */
export function Missing({
  title,
  error,
  list,
  children,
}: {
  readonly title: string
  readonly error: ApiError
  /** Where all are that there are. */
  readonly list: Route
  /** What the link to them says. */
  readonly children: ComponentChildren
}) {
  return (
    <main>
      <h1>{title}</h1>
      <p class="fault" role="alert">
        {error.message}
      </p>
      <p>
        <Link to={list}>{children}</Link>
      </p>
    </main>
  )
}
