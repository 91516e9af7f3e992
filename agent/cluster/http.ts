import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  Agent as HttpAgent,
  request as requestHttp,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { type SecureContext, createSecureContext } from 'node:tls'
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
  /** @throws AgentError `cluster_unreachable` when no answer came, or none in time; the signal's reason when aborted. */
  send(request: ApiRequest): Promise<Answer>
  /** Lines of an endless answer. Ends when the server ends it; throws after `idleMs` of silence. */
  lines(path: string, idleMs: number, signal: AbortSignal): AsyncGenerator<string>
  close(): Promise<void>
}

/** Widest run of requests in flight; watches have connections of their own. */
const requestConnections = 16
const connectTimeoutMs = 10_000
const answerTimeoutMs = 60_000
const probeEveryMs = 60_000
const lineLimit = 16 * 1024 * 1024

export interface ApiClientOptions {
  readonly connectMs?: number
  /**
   * For the few small requests about what the agent keeps for itself: all such clients take turns on the
   * same connections. Those of objects are never among them, which may hang in somebody's webhook.
   */
  readonly shares?: boolean
}

/**
 * One long-lived client: connections are kept, so a request costs no TLS handshake. Node's own, whose
 * parser is native: the one that comes as WebAssembly has V8 load a second compiler.
 */
export function createApiClient(
  connection: Connection,
  { connectMs = connectTimeoutMs, shares = false }: ApiClientOptions = {},
): ApiClient {
  const { protocol, hostname, port, pathname } = new URL(connection.server)
  const prefix = pathname.replace(/\/$/, '')
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: port || undefined }
  const isPlain = protocol === 'http:'
  const limits = { maxSockets: requestConnections, timeout: answerTimeoutMs }
  const { requests, release } = shares
    ? sharePool(connection, isPlain, limits)
    : ownPool(connection, isPlain, limits)
  const watches = openPool(connection, isPlain, {})
  const inFlight = new Set<ClientRequest>()
  let isClosed = false

  async function ask(
    agent: Agent,
    method: string,
    path: string,
    {
      body,
      signal,
      headers,
    }: Pick<RequestOptions, 'signal'> & {
      readonly body?: string
      readonly headers: Record<string, string>
    },
  ): Promise<IncomingMessage> {
    const token = await connection.token()
    signal?.throwIfAborted()
    if (isClosed) throw new Error('the client was closed')
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = (isPlain ? requestHttp : requestHttps)({
      ...address,
      agent,
      method,
      path: prefix + path,
      signal,
      headers: {
        ...headers,
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      },
    })
    inFlight.add(request)
    request.on('response', resolve)
    request.on('error', reject)
    request.on('close', () => inFlight.delete(request))
    request.on('timeout', () => request.destroy(new Error(`silent for ${answerTimeoutMs} ms`)))
    request.on('socket', (socket) => {
      if (!socket.connecting) return
      const late = new Error(`no connection within ${connectMs} ms`)
      const timer = setTimeout(() => request.destroy(late), connectMs)
      const settle = (): void => clearTimeout(timer)
      socket.once(isPlain ? 'connect' : 'secureConnect', settle).once('close', settle)
    })
    request.end(body)
    return promise
  }

  return {
    async send({ method, path, body, contentType, accept, impersonate, signal }) {
      throwIfEnded(signal)
      try {
        const response = await ask(requests, method, path, {
          headers: {
            accept: accept ?? 'application/json',
            ...(contentType && { 'content-type': contentType }),
            ...(impersonate !== undefined && { 'impersonate-user': impersonate }),
          },
          ...(body !== undefined && { body }),
          signal,
        })
        const answer = await text(response)
        const warnings = warningsOf(response)
        return {
          ...{ status: statusOf(response), body: answer, retryAfter: retryAfterOf(response) },
          ...(warnings.length > 0 && { warnings }),
        }
      } catch (error) {
        throwIfEnded(signal)
        throw unreachable(error)
      }
    },

    async *lines(path, idleMs, signal) {
      signal.throwIfAborted()
      const idle = new AbortController()
      const silent = new Error(`silent for ${idleMs} ms`)
      const timer = setTimeout(() => idle.abort(silent), idleMs)
      try {
        const response = await ask(watches, 'GET', path, {
          headers: { accept: 'application/json' },
          signal: AbortSignal.any([signal, idle.signal]),
        })
        if (response.statusCode !== 200) {
          // The caller reads a refusal as it reads one in mid-stream.
          const body = await text(response)
          yield JSON.stringify({ type: 'ERROR', object: parseStatus(body, statusOf(response)) })
          return
        }
        yield* splitLines(response, () => timer.refresh())
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof AgentError) throw error
        throw unreachable(idle.signal.aborted ? silent : error)
      } finally {
        clearTimeout(timer)
        idle.abort()
      }
    },

    async close() {
      if (isClosed) return
      isClosed = true
      for (const request of inFlight) request.destroy(new Error('the client was closed'))
      release()
      watches.destroy()
    },
  }
}

interface Limits {
  readonly maxSockets?: number
  readonly timeout?: number
}

interface Pool {
  readonly requests: Agent
  /** Ends its connections once nobody else has them. */
  readonly release: () => void
}

function ownPool(connection: Connection, isPlain: boolean, limits: Limits): Pool {
  const requests = openPool(connection, isPlain, limits)
  return { requests, release: () => requests.destroy() }
}

const shared = new WeakMap<Connection, { readonly requests: Agent; users: number }>()

function sharePool(connection: Connection, isPlain: boolean, limits: Limits): Pool {
  const pool = shared.get(connection) ?? { ...ownPool(connection, isPlain, limits), users: 0 }
  pool.users += 1
  shared.set(connection, pool)
  return {
    requests: pool.requests,
    release() {
      pool.users -= 1
      if (pool.users > 0) return
      pool.requests.destroy()
      shared.delete(connection)
    },
  }
}

/** Keeps its connections. */
function openPool(connection: Connection, isPlain: boolean, limits: Limits): Agent {
  const options = { ...limits, keepAlive: true, keepAliveMsecs: probeEveryMs }
  if (isPlain) return new HttpAgent(options)
  const { serverName, insecure } = connection
  return new HttpsAgent({
    ...options,
    secureContext: contextOf(connection),
    ...(serverName && { servername: serverName }),
    rejectUnauthorized: !insecure,
  })
}

const contexts = new WeakMap<Connection, SecureContext>()

/** Keys and certificates are read once, for all clients of an API server. */
function contextOf(connection: Connection): SecureContext {
  const { ca, certificate, key } = connection
  const context =
    contexts.get(connection) ??
    createSecureContext({
      ...(ca && { ca }),
      ...(certificate && { cert: certificate }),
      ...(key && { key }),
    })
  contexts.set(connection, context)
  return context
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

function statusOf({ statusCode }: IncomingMessage): number {
  return statusCode ?? 0
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
function warningsOf({ headers }: IncomingMessage): string[] {
  const text = [headers['warning'] ?? []].flat().join(', ')
  return [...text.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    match[1]!.replace(/\\(.)/g, '$1'),
  )
}

function retryAfterOf(response: IncomingMessage): number | undefined {
  const value = Number(response.headers['retry-after'])
  return Number.isFinite(value) && value >= 0 ? value * 1000 : undefined
}

/** A deadline that has passed is an API server that did not answer; whoever called it off has a reason of their own. */
export function throwIfEnded(signal: AbortSignal): void {
  const { aborted, reason } = signal
  if (!aborted) return
  if (reason instanceof DOMException && reason.name === 'TimeoutError') {
    throw unreachable(new Error('it did not answer in time', { cause: reason }))
  }
  throw reason
}

function unreachable(error: unknown): AgentError {
  const message = error instanceof Error ? error.message || error.name : String(error)
  return new AgentError('cluster_unreachable', `API server: ${message}`, { cause: error })
}
