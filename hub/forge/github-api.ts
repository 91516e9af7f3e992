import { isRecord } from '@groundswell/proto/record.ts'
import { expectOk } from './answer.ts'
import { commentsPerPage, putComment } from './comments.ts'
import { type AskForge, shorten } from './forge.ts'
import { listOpenChanges, readOpenChange } from './open-change.ts'
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
  /** Whether a commit that it does not have is a failure of its own to it, answered with 500. */
  readonly failsForUnknown: boolean
  /** Query for open pull requests, those that changed last first, and when a page of them is full. */
  readonly openPulls: { readonly query: string; readonly fullPage: number }
  readonly proposeRevert: ProposeRevert
}

/** Statuses and comments as GitHub has them, and those who took its API over. */
export function createGitHubApi(
  ask: AskForge,
  project: string,
  { descriptionLimit, paged, failsForUnknown, openPulls, proposeRevert }: GitHubDialect,
): RevertingForge {
  const repository = `/repos/${project.split('/').map(encodeURIComponent).join('/')}`
  let self: unknown
  return {
    async setStatus(commit, { context, state, description, url }, signal) {
      const body = {
        ...{ context, state, description: shorten(description, descriptionLimit) },
        ...(url !== undefined && { target_url: url }),
      }
      const path = `${repository}/statuses/${commit}`
      const answer = await ask({ method: 'POST', path, body }, signal)
      if (answer.status === 500 && failsForUnknown) {
        const known = await ask(
          { method: 'GET', path: `${repository}/git/commits/${commit}` },
          signal,
        )
        expectOk(known, `no status for ${commit}, which cannot be read`)
      }
      expectOk(answer, `no status for ${commit}`)
      self = isRecord(answer.body) ? loginOf(answer.body['creator']) : undefined
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
        authorOf: (comment: Readonly<Record<string, unknown>>) => loginOf(comment['user']),
      }
      return putComment(ask, routes, { marker, body, self }, signal)
    },
    listOpenChanges(signal) {
      const routes = {
        list: (page: number) => `${repository}/pulls?${openPulls.query}&page=${page}`,
        fullPage: openPulls.fullPage,
        read: readPull,
      }
      return listOpenChanges(ask, routes, signal)
    },
    proposeRevert: (request, signal) => proposeRevert(ask, repository, request, signal),
  }
}

function loginOf(user: unknown): unknown {
  return isRecord(user) ? user['login'] : undefined
}

function readPull(pull: Readonly<Record<string, unknown>>) {
  const [head, base] = [partOf(pull, 'head'), partOf(pull, 'base')]
  const { number, html_url: url } = pull
  // The label outlives the branch, which is a place of the host's own once it is gone.
  const branch = String(head['ref']).startsWith('refs/') ? head['label'] : head['ref']
  const fork = partOf(head, 'repo')['id'] !== partOf(base, 'repo')['id']
  return readOpenChange(pull, {
    ...{ number, url, branch, fork, base: base['ref'], author: loginOf(pull['user']) },
  })
}

function partOf(of: Readonly<Record<string, unknown>>, name: string) {
  const part = of[name]
  return isRecord(part) ? part : {}
}
