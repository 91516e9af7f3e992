import type { QualifiedRef } from './ref.ts'
import { qualifyRef } from './ref.ts'

/** What is looked at in a repository besides what is followed there. */
export type VisitedRef =
  | { readonly branch: string }
  | { readonly commit: string }
  /** By the number its Git host gave it. */
  | { readonly pullRequest: number }

/** One place in the mirror for all visits: the next one takes it. */
const local = 'refs/mirror/visited'

/**
 * Where it may be found on the server, in the order it is tried: hosts do not agree on where a pull
 * request is (GitHub, Gitea and Forgejo; GitLab; Bitbucket's own servers).
 *
 * @throws HubError `source_refused` when a name is not a ref name
 */
export function qualifyVisit(ref: VisitedRef): QualifiedRef[] {
  if (!('pullRequest' in ref)) return [{ ...qualifyRef(ref), local }]
  const number = String(ref.pullRequest)
  const places = [
    `refs/pull/${number}/head`,
    `refs/merge-requests/${number}/head`,
    `refs/pull-requests/${number}/from`,
  ]
  return places.map((remote) => ({
    ...{ remote, local },
    label: `pull-request-${number}`,
    words: `pull request ${number}`,
  }))
}
