import { expectOk } from './answer.ts'
import { putComment } from './comments.ts'
import { type AskForge, type Forge, shorten } from './forge.ts'

const descriptionLimit = 255

/** Source: Gitea API v1, which Forgejo speaks too. */
export function createGitea(ask: AskForge, project: string): Forge {
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
        // All of them at once.
        list: () => comments,
        add: comments,
        replace: (id: number) =>
          ({ method: 'PATCH', path: `${repository}/issues/comments/${id}` }) as const,
        paged: false,
      }
      return putComment(ask, routes, { marker, body }, signal)
    },
  }
}
