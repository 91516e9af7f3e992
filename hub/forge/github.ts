import { expectOk } from './answer.ts'
import { commentsPerPage, putComment } from './comments.ts'
import { type AskForge, type Forge, shorten } from './forge.ts'

const descriptionLimit = 140

/** Source: GitHub REST API 2022-11-28, commit statuses and issue comments. */
export function createGitHub(ask: AskForge, project: string): Forge {
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
        list: (page: number) => `${comments}?per_page=${commentsPerPage}&page=${page}`,
        add: comments,
        replace: (id: number) =>
          ({ method: 'PATCH', path: `${repository}/issues/comments/${id}` }) as const,
        paged: true,
      }
      return putComment(ask, routes, { marker, body }, signal)
    },
  }
}
