import { Pool, type Dispatcher } from 'undici'
import { AgentError } from '../errors.ts'
import type { Connection } from './connection.ts'

/** What the API server said. */
export interface Answer {
  readonly status: number
  readonly body: string
  /** Milliseconds it asked us to wait, when it did. */
  readonly retryAfter: number | undefined
  /** Of `Warning` headers: the API server's own and its admission webhooks'. */
  readonly warnings?: readonly string[]
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query. */
  readonly path: string
  readonly body?: string
  readonly contentType?: string
  readonly accept?: string
  /** User name in whose place to ask. */
  readonly impersonate?: string
  readonly signal: AbortSignal
}

export interface ApiClient {
  /** @throws AgentError `cluster_unreachable` when no answer came; the signal's reason when aborted. */
  send(request: ApiRequest): Promise<Answer>
  /** Lines of an endless answer. Ends when the server ends it; throws after `idleMs` of silence. */
  lines(path: string, idleMs: number, signal: AbortSignal): AsyncGenerator<string>
  close(): Promise<void>
}

/** Widest run of requests in flight; watches have connections of their own. */
const requestConnections = 16
const answerTimeoutMs = 60_000
const lineLimit = 16 * 1024 * 1024

/** One long-lived client: connections are kept, so a request costs no TLS handshake. */
export function createApiClient(connection: Connection): ApiClient {
  const { origin, pathname } = new URL(connection.server)
  const prefix = pathname.replace(/\/$/, '')
  const tls = {
    ...(connection.ca && { ca: connection.ca }),
    ...(connection.certificate && { cert: connection.certificate }),
    ...(connection.key && { key: connection.key }),
    ...(connection.serverName && { servername: connection.serverName }),
    rejectUnauthorized: !connection.insecure,
  }
  const shared = { allowH2: false, pipelining: 1, connect: { ...tls, timeout: 10_000 } }
  const requests = new Pool(origin, {
    ...shared,
    connections: requestConnections,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
    keepAliveTimeout: 60_000,
  })
  const watches = new Pool(origin, { ...shared, connections: null, bodyTimeout: 0 })

  const headers = async (extra: Record<string, string>) => {
    const token = await connection.token()
    return { ...extra, ...(token && { authorization: `Bearer ${token}` }) }
  }

  return {
    async send({ method, path, body, contentType, accept, impersonate, signal }) {
      signal.throwIfAborted()
      try {
        const response = await requests.request({
          method,
          path: prefix + path,
          headers: await headers({
            accept: accept ?? 'application/json',
            ...(contentType && { 'content-type': contentType }),
            ...(impersonate !== undefined && { 'impersonate-user': impersonate }),
          }),
          ...(body !== undefined && { body }),
          signal,
        })
        const text = await response.body.text()
        const warnings = warningsOf(response)
        return {
          ...{ status: response.statusCode, body: text, retryAfter: retryAfterOf(response) },
          ...(warnings.length > 0 && { warnings }),
        }
      } catch (error) {
        signal.throwIfAborted()
        throw unreachable(error)
      }
    },

    async *lines(path, idleMs, signal) {
      signal.throwIfAborted()
      const idle = new AbortController()
      const timer = setTimeout(() => idle.abort(new Error(`silent for ${idleMs} ms`)), idleMs)
      try {
        const response = await watches.request({
          method: 'GET',
          path: prefix + path,
          headers: await headers({ accept: 'application/json' }),
          signal: AbortSignal.any([signal, idle.signal]),
        })
        if (response.statusCode !== 200) {
          // The caller reads a refusal as it reads one in mid-stream.
          const body = await response.body.text()
          yield JSON.stringify({ type: 'ERROR', object: parseStatus(body, response.statusCode) })
          return
        }
        yield* splitLines(response.body, () => timer.refresh())
      } catch (error) {
        signal.throwIfAborted()
        throw error instanceof AgentError ? error : unreachable(error)
      } finally {
        clearTimeout(timer)
        idle.abort()
      }
    },

    async close() {
      await Promise.all([requests.destroy(), watches.destroy()])
    },
  }
}

async function* splitLines(body: AsyncIterable<Uint8Array>, seen: () => void) {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    seen()
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > lineLimit) throw new AgentError('cluster_unreachable', 'watch line too long')
    for (const line of parts) if (line) yield line
  }
}

function parseStatus(body: string, code: number): unknown {
  try {
    const status = JSON.parse(body) as Record<string, unknown>
    return { ...status, code }
  } catch {
    return { code, message: body.slice(0, 200) }
  }
}

/** `299 - "words"`, any number of them in a header (RFC 7234 §5.5). */
function warningsOf({ headers }: Dispatcher.ResponseData): string[] {
  const text = [headers['warning'] ?? []].flat().join(', ')
  return [...text.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    match[1]!.replace(/\\(.)/g, '$1'),
  )
}

function retryAfterOf(response: Dispatcher.ResponseData): number | undefined {
  const value = Number(response.headers['retry-after'])
  return Number.isFinite(value) && value >= 0 ? value * 1000 : undefined
}

function unreachable(error: unknown): AgentError {
  const message = error instanceof Error ? error.message || error.name : String(error)
  return new AgentError('cluster_unreachable', `API server: ${message}`, { cause: error })
}
