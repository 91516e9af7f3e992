import type { ComponentChildren } from 'preact'
import type { ApiError } from '../data/client.ts'
import type { Watched } from '../data/watched.ts'

/** What was read, once it is there; and why it is not, or is old. */
export function Shown<T>({
  of,
  children,
}: {
  readonly of: Watched<T>
  readonly children: (value: T) => ComponentChildren
}) {
  return (
    <>
      {of.error && <Fault error={of.error} retry={of.reload} />}
      {of.value === undefined ? !of.error && <p class="quiet">Loading…</p> : children(of.value)}
    </>
  )
}

export function Fault({ error, retry }: { readonly error: ApiError; readonly retry?: () => void }) {
  return (
    <p class="fault" role="alert">
      {error.message}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </p>
  )
}
