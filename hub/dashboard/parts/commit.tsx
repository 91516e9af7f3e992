import { toCommitAddress } from '../data/commit-address.ts'
import { Short } from './words.tsx'

/** A commit, linked to its Git host where that is known. `url` is its repository's. */
export function Commit({
  url,
  revision,
}: {
  readonly url: string | undefined
  readonly revision: string | null
}) {
  const address = revision === null ? undefined : toCommitAddress(url ?? '', revision)
  if (address === undefined) return <Short text={revision} />
  return (
    <a href={address} rel="noreferrer" target="_blank">
      <Short text={revision} />
    </a>
  )
}
