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
  /** Who wrote one of them. */
  readonly authorOf: (comment: Readonly<Record<string, unknown>>) => unknown
}

export interface MarkedComment {
  readonly marker: string
  readonly body: string
  /** Whose token it is, as `authorOf` says it; undefined where that is not known. */
  readonly self: unknown
}

/** As many as are looked through; what comes after is not found and written anew. */
const mostPages = 30
export const commentsPerPage = 100

/**
 * Writes one comment in place of the one with the same marker. One that somebody else wrote is left,
 * and another is written: hosts let whoever may write change it, but its author could then make it
 * say anything in our place.
 *
 * @throws HubError `forge_refused`
 */
export async function putComment(
  ask: AskForge,
  routes: CommentRoutes,
  { marker, body, self }: MarkedComment,
  signal: AbortSignal,
): Promise<void> {
  const text = { body: `${marker}\n${body}` }
  const find = () => findComments(ask, routes, { marker, self }, signal)
  const replace = (id: number) => ({ ...routes.replace(id), body: text })
  for (const id of await find()) {
    const answer = await ask(replace(id), signal)
    if (answer.status === 403 || answer.status === 404) continue
    expectOk(answer, 'the comment cannot be changed')
    return
  }
  const add = { method: 'POST', path: routes.add, body: text } as const
  const again = async () => {
    const newest = (await find()).at(-1)
    return newest === undefined ? add : replace(newest)
  }
  expectOk(await ask({ ...add, again }, signal), 'no comment can be written')
}

async function findComments(
  ask: AskForge,
  routes: CommentRoutes,
  { marker, self }: Pick<MarkedComment, 'marker' | 'self'>,
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
      if (self !== undefined && routes.authorOf(comment) !== self) continue
      if (typeof id === 'number' && typeof body === 'string' && body.startsWith(marker)) {
        found.push(id)
      }
    }
    if (comments.length < commentsPerPage) break
  }
  return found
}
