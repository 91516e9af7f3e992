import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ForgeKind } from '../../hub/forge/forge.ts'
import { answerOpenPulls, type OpenPull } from './forge-pulls.ts'
import { createForgeReverts, type ForgeReverts } from './forge-reverts.ts'

export interface ShownStatus {
  readonly commit: string
  readonly context: string
  readonly state: string
  readonly description: string
}

export interface ShownComment {
  readonly id: number
  body: string
  /** Of somebody else. Whoever may write to the repository may change it all the same. */
  readonly isForeign?: true
}

/** A Git host as its API documents it, as far as statuses and comments go. */
export interface ForgeServer extends AsyncDisposable {
  readonly api: string
  readonly statuses: ShownStatus[]
  readonly comments: Map<number, ShownComment[]>
  /** Requests that were let through, `POST /repos/…`. */
  readonly requests: string[]
  /** Answered in place of the next requests, one each. */
  readonly hiccups: { status: number; headers?: Record<string, string> }[]
  /** Its branches, and what was proposed. */
  readonly reverts: ForgeReverts
  /** Open pull or merge requests, in any order. */
  readonly open: OpenPull[]
  /** The next such request is refused. */
  failOnce(method: string, path: RegExp, status: number): void
  /** The next such request is done, and its answer gets lost. */
  loseAnswer(method: string, path: RegExp): void
}

/** The one project it has. */
export const forgeProject = 'team/fleet'
export const forgeToken = 'token-of-the-pipeline'

interface Shapes {
  readonly base: string
  readonly isAuthorized: (request: IncomingMessage) => boolean
  readonly status: RegExp
  readonly comments: RegExp
  readonly comment: RegExp
  readonly change: 'PATCH' | 'PUT'
  readonly states: readonly string[]
  readonly readStatus: (body: Record<string, unknown>) => Omit<ShownStatus, 'commit'>
  readonly longest: number
  readonly isPaged: boolean
}

const readStatus: Shapes['readStatus'] = ({ context, state, description }) => ({
  context: String(context),
  state: String(state),
  description: String(description),
})
const shapes: Readonly<Record<ForgeKind, Shapes>> = {
  github: {
    base: '',
    // GitHub refuses requests that do not say who asks.
    isAuthorized: ({ headers }) =>
      headers.authorization === `Bearer ${forgeToken}` &&
      Boolean(headers['user-agent']) &&
      headers['x-github-api-version'] === '2022-11-28',
    status: /^\/repos\/team\/fleet\/statuses\/([0-9a-f]{40})$/,
    comments: /^\/repos\/team\/fleet\/issues\/(\d+)\/comments$/,
    comment: /^\/repos\/team\/fleet\/issues\/comments\/(\d+)$/,
    change: 'PATCH',
    states: ['error', 'failure', 'pending', 'success'],
    readStatus,
    longest: 140,
    isPaged: true,
  },
  gitlab: {
    base: '/api/v4',
    isAuthorized: ({ headers }) => headers['private-token'] === forgeToken,
    status: /^\/api\/v4\/projects\/team%2Ffleet\/statuses\/([0-9a-f]{40})$/,
    comments: /^\/api\/v4\/projects\/team%2Ffleet\/merge_requests\/(\d+)\/notes$/,
    comment: /^\/api\/v4\/projects\/team%2Ffleet\/merge_requests\/\d+\/notes\/(\d+)$/,
    change: 'PUT',
    states: ['pending', 'running', 'success', 'failed', 'canceled'],
    readStatus: ({ name, ...rest }) => readStatus({ context: name, ...rest }),
    longest: 255,
    isPaged: true,
  },
  gitea: {
    base: '/api/v1',
    isAuthorized: ({ headers }) => headers.authorization === `token ${forgeToken}`,
    status: /^\/api\/v1\/repos\/team\/fleet\/statuses\/([0-9a-f]{40})$/,
    comments: /^\/api\/v1\/repos\/team\/fleet\/issues\/(\d+)\/comments$/,
    comment: /^\/api\/v1\/repos\/team\/fleet\/issues\/comments\/(\d+)$/,
    change: 'PATCH',
    states: ['pending', 'success', 'error', 'failure', 'warning'],
    readStatus,
    longest: 255,
    isPaged: false,
  },
}

export async function startForgeServer(kind: ForgeKind): Promise<ForgeServer> {
  const shape = shapes[kind]
  const statuses: ShownStatus[] = []
  const comments = new Map<number, ShownComment[]>()
  const requests: string[] = []
  const hiccups: ForgeServer['hiccups'] = []
  let ids = 1_000
  const reverts = createForgeReverts(kind)
  const open: OpenPull[] = []
  const once_: { method: string; path: RegExp; status: number | 'lost' }[] = []
  const takeOnce = (method: string, path: string, lost: boolean) => {
    const at = once_.findIndex(
      (one) => one.method === method && one.path.test(path) && (one.status === 'lost') === lost,
    )
    return at < 0 ? undefined : once_.splice(at, 1)[0]!.status
  }

  /** Who made a status or wrote a comment, as each host says it. */
  function authorship(isForeign: boolean): object {
    const name = isForeign ? 'somebody' : 'pipeline'
    if (kind === 'gitlab') return { author: { username: name } }
    return { user: { login: name }, creator: { login: name } }
  }

  function answer(
    method: string,
    url: URL,
    body: Record<string, unknown>,
  ): readonly [status: number, body: unknown] {
    const [, commit] = shape.status.exec(url.pathname) ?? []
    if (commit !== undefined && method === 'POST') {
      const status = { commit, ...shape.readStatus(body) }
      if (!shape.states.includes(status.state)) return [422, { message: 'no such state' }]
      if (status.description.length > shape.longest) return [422, { message: 'too long' }]
      const last = statuses.findLast(({ context }) => context === status.context)
      if (kind === 'gitlab' && last?.commit === commit && last.state === status.state) {
        return [400, { message: 'Cannot transition status via :run from :running' }]
      }
      statuses.push(status)
      return [201, { ...status, ...authorship(false) }]
    }
    const [, change] = shape.comments.exec(url.pathname) ?? []
    if (change !== undefined) {
      const all = comments.get(Number(change)) ?? []
      if (method === 'GET') {
        const shown = all.map((one) => ({ ...one, ...authorship(one.isForeign === true) }))
        return [200, shape.isPaged ? pageOf(shown, url) : shown]
      }
      const made = { id: (ids += 1), body: String(body['body']) }
      comments.set(Number(change), [...all, made])
      return [201, made]
    }
    const [, id] = shape.comment.exec(url.pathname) ?? []
    if (id !== undefined && method === shape.change) {
      const found = [...comments.values()].flat().find((comment) => comment.id === Number(id))
      if (!found) return [404, { message: 'Not Found' }]
      found.body = String(body['body'])
      return [200, found]
    }
    const listed = answerOpenPulls(kind, open, method, url) ?? reverts.answer(method, url, body)
    return listed ?? [404, { message: 'Not Found' }]
  }

  const server = createServer(async (request, response) => {
    const given = await text(request)
    const url = new URL(request.url!, 'http://forge')
    const send = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(value))
    }
    const hiccup = hiccups.shift()
    if (hiccup) return send(hiccup.status, { message: 'not now' }, hiccup.headers)
    if (!shape.isAuthorized(request)) return send(401, { message: 'Bad credentials' })
    requests.push(`${request.method} ${url.pathname}`)
    const parsed = given === '' ? {} : (JSON.parse(given) as Record<string, unknown>)
    const refused = takeOnce(request.method!, url.pathname, false)
    if (typeof refused === 'number') return send(refused, { message: 'no' })
    const answered = answer(request.method!, url, parsed)
    if (takeOnce(request.method!, url.pathname, true)) return response.destroy()
    return send(...answered)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    api: `http://127.0.0.1:${port}${shape.base}`,
    statuses,
    comments,
    requests,
    hiccups,
    reverts,
    open,
    failOnce: (method, path, status) => once_.push({ method, path, status }),
    loseAnswer: (method, path) => once_.push({ method, path, status: 'lost' }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function pageOf(all: readonly ShownComment[], url: URL): readonly ShownComment[] {
  const [size, page] = ['per_page', 'page'].map((name) => Number(url.searchParams.get(name)))
  return all.slice(size! * (page! - 1), size! * page!)
}

/** Writes where the fleet repository is hosted, and the token, for `--forges`; gives the file. */
export async function writeForges(
  directory: string,
  { api }: Pick<ForgeServer, 'api'>,
): Promise<string> {
  const [file, tokenFile] = [join(directory, 'forges.yaml'), join(directory, 'forge-token')]
  await writeFile(tokenFile, forgeToken)
  const url = `https://forge.example/${forgeProject}`
  await writeFile(file, JSON.stringify({ fleet: { kind: 'github', url, api, tokenFile } }))
  return file
}
