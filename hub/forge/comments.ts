import { isRecord } from '@groundswell/proto/record.ts'
import { expectOk } from './answer.ts'
import type { AskForge, ForgeRequest } from './forge.ts'

/** How a host spells what one does with comments. */
export interface CommentRoutes {
  /** One page of them, from 1, oldest first. */
  readonly list: (page: number) => string
  readonly add: string
  readonly replace: (id: number) => Pick<ForgeRequest, 'method' | 'path'>
  /** Whether there may be more than one page. */
  readonly paged: boolean
}

/** As many as are looked through; what comes after is not found and written anew. */
const mostPages = 30
export const commentsPerPage = 100

/**
 * Writes one comment in place of the one with the same marker. One that somebody else wrote may
 * not be ours to change: then it is left, and another is written.
 *
 * @throws HubError `forge_refused`
 */
export async function putComment(
  ask: AskForge,
  routes: CommentRoutes,
  { marker, body }: { readonly marker: string; readonly body: string },
  signal: AbortSignal,
): Promise<void> {
  const text = { body: `${marker}\n${body}` }
  for (const id of await findComments(ask, routes, marker, signal)) {
    const answer = await ask({ ...routes.replace(id), body: text }, signal)
    if (answer.status === 403 || answer.status === 404) continue
    expectOk(answer, 'the comment cannot be changed')
    return
  }
  const answer = await ask({ method: 'POST', path: routes.add, body: text }, signal)
  expectOk(answer, 'no comment can be written')
}

async function findComments(
  ask: AskForge,
  routes: CommentRoutes,
  marker: string,
  signal: AbortSignal,
): Promise<number[]> {
  const found: number[] = []
  for (let page = 1; page <= (routes.paged ? mostPages : 1); page += 1) {
    const answer = await ask({ method: 'GET', path: routes.list(page) }, signal)
    expectOk(answer, 'its comments cannot be read')
    const comments = Array.isArray(answer.body) ? answer.body : []
    for (const comment of comments) {
      if (!isRecord(comment)) continue
      const { id, body } = comment
      if (typeof id === 'number' && typeof body === 'string' && body.startsWith(marker)) {
        found.push(id)
      }
    }
    if (comments.length < commentsPerPage) break
  }
  return found
}
