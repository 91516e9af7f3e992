/**
 * Where the Git host of a repository shows a commit, or undefined where that cannot be told. `url` is the repository's,
 * `revision` as in `main@sha1:…`. Only https is ever linked to: the words come from outside.
 */
export function toCommitAddress(url: string, revision: string): string | undefined {
  const commit = /@sha1:([0-9a-f]{40})$/.exec(revision)?.[1]
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (commit === undefined || parsed?.protocol !== 'https:') return undefined
  const path = parsed.pathname.replace(/\/+$/, '').replace(/\.git$/, '')
  if (path === '') return undefined
  // GitHub, Gitea and Forgejo agree; GitLab keeps its pages below a dash.
  const page = /(^|\.)gitlab\./.test(parsed.hostname) ? '-/commit' : 'commit'
  return `${parsed.origin}${path}/${page}/${commit}`
}
