import type { ForgeKind } from '../../hub/forge/forge.ts'

/** A pull or merge request that is open, before each host says it in its own way. */
export interface OpenPull {
  readonly number: number
  readonly title: string
  readonly author?: string
  readonly branch: string
  readonly base: string
  readonly updatedAt: string
  readonly isDraft?: true
  /** From a branch of another repository. */
  readonly isFork?: true
  /** Of another address than its own on the host. */
  readonly url?: string
}

type Answer = readonly [status: number, body: unknown]

const places: Readonly<Record<ForgeKind, string>> = {
  github: '/repos/team/fleet/pulls',
  gitlab: '/api/v4/projects/team%2Ffleet/merge_requests',
  gitea: '/api/v1/repos/team/fleet/pulls',
}
const queries: Readonly<Record<ForgeKind, Readonly<Record<string, string>>>> = {
  github: { state: 'open', sort: 'updated', direction: 'desc' },
  gitlab: { state: 'opened', order_by: 'updated_at', sort: 'desc' },
  gitea: { state: 'open', sort: 'recentupdate' },
}
/** Most that Gitea gives out at once, whatever it is asked for, as its administrator has it. */
const giteaPage = 3

/** Answers the one question for what is open, those that changed last first, a page at a time. */
export function answerOpenPulls(
  kind: ForgeKind,
  pulls: readonly OpenPull[],
  method: string,
  url: URL,
): Answer | undefined {
  const asked = url.searchParams
  const isAsked = Object.entries(queries[kind]).every(([name, value]) => asked.get(name) === value)
  if (method !== 'GET' || url.pathname !== places[kind] || !isAsked) return undefined
  const size = kind === 'gitea' ? giteaPage : Number(asked.get('per_page'))
  const from = size * (Number(asked.get('page')) - 1)
  const shown = pulls.toSorted((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt))
  return [200, shown.slice(from, from + size).map((pull) => view(kind, pull))]
}

/** Source: "List pull requests" of GitHub 2022-11-28 and Gitea 1, "List merge requests" of GitLab 4. */
function view(kind: ForgeKind, pull: OpenPull): object {
  const { number, title, author, branch, base, updatedAt, isDraft = false, isFork, url } = pull
  const common = { id: 9_000 + number, title, updated_at: updatedAt, draft: isDraft }
  const page = url ?? `https://forge.example/team/fleet/pull/${number}`
  if (kind === 'gitlab') {
    return {
      ...{ ...common, iid: number, state: 'opened', web_url: page },
      ...{ source_branch: branch, target_branch: base },
      ...{ source_project_id: isFork ? 2 : 1, target_project_id: 1 },
      author: author === undefined ? null : { username: author },
    }
  }
  return {
    ...{ ...common, number, state: 'open', html_url: page },
    user: author === undefined ? null : { login: author },
    head: { label: branch, ref: branch, repo: isFork ? { id: 2 } : { id: 1 } },
    base: { label: base, ref: base, repo: { id: 1 } },
  }
}
