import { expectOk } from './answer.ts'
import { commentsPerPage, putComment } from './comments.ts'
import { type AskForge, shorten } from './forge.ts'
import type { RevertingForge, RevertRequest } from './revert.ts'

type ProposeRevert = (
  ask: AskForge,
  repository: string,
  request: RevertRequest,
  signal: AbortSignal,
) => Promise<string>

/** Where hosts that speak it differ. */
export interface GitHubDialect {
  /** Longest description of a status, in characters. */
  readonly descriptionLimit: number
  /** Whether comments come in pages, or all of them at once. */
  readonly paged: boolean
  readonly proposeRevert: ProposeRevert
}

/** Statuses and comments as GitHub has them, and those who took its API over. */
export function createGitHubApi(
  ask: AskForge,
  project: string,
  { descriptionLimit, paged, proposeRevert }: GitHubDialect,
): RevertingForge {
  const repository = `/repos/${project.split('/').map(encodeURIComponent).join('/')}`
  return {
    async setStatus(commit, { context, state, description, url }, signal) {
      const body = {
        ...{ context, state, description: shorten(description, descriptionLimit) },
        ...(url !== undefined && { target_url: url }),
      }
      const path = `${repository}/statuses/${commit}`
      expectOk(await ask({ method: 'POST', path, body }, signal), `no status for ${commit}`)
    },
    putComment(change, marker, body, signal) {
      const comments = `${repository}/issues/${change}/comments`
      const routes = {
        list: (page: number) =>
          paged ? `${comments}?per_page=${commentsPerPage}&page=${page}` : comments,
        add: comments,
        replace: (id: number) =>
          ({ method: 'PATCH', path: `${repository}/issues/comments/${id}` }) as const,
        paged,
      }
      return putComment(ask, routes, { marker, body }, signal)
    },
    proposeRevert: (request, signal) => proposeRevert(ask, repository, request, signal),
  }
}
