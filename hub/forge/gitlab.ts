import { isRecord } from '@groundswell/proto/record.ts'
import { describeRefusal, expectOk } from './answer.ts'
import { commentsPerPage, putComment } from './comments.ts'
import { type AskForge, type CommitStatus, shorten } from './forge.ts'
import { proposeGitLabRevert } from './gitlab-revert.ts'
import { changesPerPage, listOpenChanges, readOpenChange } from './open-change.ts'
import type { RevertingForge } from './revert.ts'

const descriptionLimit = 255

const states: Readonly<Record<CommitStatus['state'], string>> = {
  pending: 'running',
  success: 'success',
  failure: 'failed',
  error: 'failed',
}

/** Source: GitLab REST API v4, commits and notes. */
export function createGitLab(ask: AskForge, project: string): RevertingForge {
  const repository = `/projects/${encodeURIComponent(project)}`
  let self: unknown
  return {
    async setStatus(commit, { context, state, description, url }, signal) {
      const body = {
        ...{ name: context, state: states[state] },
        description: shorten(description, descriptionLimit),
        ...(url !== undefined && { target_url: url }),
      }
      const path = `${repository}/statuses/${commit}`
      const answer = await ask({ method: 'POST', path, body }, signal)
      // A status does not go from a state to itself there; what it shows is as good as true.
      if (answer.status === 400 && /cannot transition status/i.test(describeRefusal(answer))) return
      expectOk(answer, `no status for ${commit}`)
      self = authorOf(answer.body)
    },
    putComment(change, marker, body, signal) {
      const notes = `${repository}/merge_requests/${change}/notes`
      const order = 'order_by=created_at&sort=asc'
      const routes = {
        list: (page: number) => `${notes}?${order}&per_page=${commentsPerPage}&page=${page}`,
        add: notes,
        replace: (id: number) => ({ method: 'PUT', path: `${notes}/${id}` }) as const,
        paged: true,
        authorOf,
      }
      return putComment(ask, routes, { marker, body, self }, signal)
    },
    listOpenChanges(signal) {
      const query = `state=opened&order_by=updated_at&sort=desc&per_page=${changesPerPage}`
      const routes = {
        list: (page: number) => `${repository}/merge_requests?${query}&page=${page}`,
        fullPage: changesPerPage,
        read: readMergeRequest,
      }
      return listOpenChanges(ask, routes, signal)
    },
    proposeRevert: (request, signal) => proposeGitLabRevert(ask, repository, request, signal),
  }
}

/** Of a status or a note. */
function authorOf(shown: unknown): unknown {
  const author = isRecord(shown) ? shown['author'] : undefined
  return isRecord(author) ? author['username'] : undefined
}

function readMergeRequest(request: Readonly<Record<string, unknown>>) {
  const { iid: number, web_url: url, source_branch: branch, target_branch: base } = request
  const fork = request['source_project_id'] !== request['target_project_id']
  return readOpenChange(request, { number, url, branch, base, fork, author: authorOf(request) })
}
