import { createHash, randomUUID } from 'node:crypto'
import {
  type Serializer,
  type SerializerFactory,
  SerializerSelector,
} from '@fastify/fast-json-stringify-compiler'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
  type RawServerDefault,
} from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ApiTokens } from '../access/api-tokens.ts'
import { boundConnections } from '../connections.ts'
import { HubError } from '../errors.ts'
import { type Authenticate, authorize } from './auth.ts'
import type { DashboardFiles } from './dashboard-files.ts'
import { createEventStreams } from './event-stream.ts'
import type { Hub, TrustDesk } from './hub.ts'
import { claimKey, type IdempotencyStore, settleKey } from './idempotency.ts'
import { noteMethods } from './other-methods.ts'
import { RequestError, toProblem } from './problem.ts'
import { createThrottle, type ThrottleOptions } from './throttle.ts'
import { findIllFormed } from './well-formed.ts'
import { addAccessRoutes } from './routes/access.ts'
import { addClusterRoutes } from './routes/clusters.ts'
import { addMembershipRoutes } from './routes/membership.ts'
import { addDryRunRoutes } from './routes/dry-runs.ts'
import { addEventRoutes } from './routes/events.ts'
import { addFactsRoutes } from './routes/facts.ts'
import { addFleetRoutes } from './routes/fleet.ts'
import { addDashboardRoutes } from './routes/dashboard.ts'
import { addHealthRoutes } from './routes/health.ts'
import { addMatrixRoutes } from './routes/matrix.ts'
import { addLoginRoutes, type LoginDeps } from './routes/login.ts'
import { addImageRoutes } from './routes/images.ts'
import { addReceiptRoutes } from './routes/receipts.ts'
import { addProposalRoutes } from './routes/proposals.ts'
import { addRolloutRoutes } from './routes/rollouts.ts'
import { addSourceRoutes } from './routes/sources.ts'
import { addSupportRoutes } from './routes/support.ts'
import { addSurveyRoutes } from './routes/survey.ts'
import { addTrustRoutes } from './routes/trust.ts'
import { addWebhookRoutes } from './routes/webhooks.ts'
import { components } from './schemas.ts'
import type { SupportView } from './support-view.ts'

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface ApiOptions {
  readonly hub: Hub
  /** Without it there are no routes under /trust. */
  readonly trust?: TrustDesk
  readonly tokens: ApiTokens
  readonly authenticate: Authenticate
  /** The identity provider that people log in by. */
  readonly login?: LoginDeps | undefined
  readonly idempotency: IdempotencyStore
  /** Calls a second; 100 of one caller when left out. */
  readonly rate?: Partial<ThrottleOptions>
  readonly log: FastifyBaseLogger
  /** A prom-client registry. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  /** Told of each call that was answered: the path of its route, the status, and the time it took. */
  readonly onAnswered?: (route: string, status: number, seconds: number) => void
  /** Given what counts the event streams that are open. */
  readonly onStreams?: (count: () => number) => void
  readonly version: string
  /** What the process says of itself; without it there is no route /support. */
  readonly support?: () => Promise<SupportView>
  /** What is served at /ui/; without it, its address says how to make it. */
  readonly dashboard?: DashboardFiles | undefined
  /** Milliseconds between heartbeats of event streams; 10 seconds when left out. */
  readonly heartbeat?: number
  /** Milliseconds that requests in flight get when the server closes; 10 seconds when left out. */
  readonly drain?: number
  /** Milliseconds within which a whole request must have come; 30 seconds when left out. */
  readonly requestTimeout?: number
}

/** Each is a file of the process, and agents, Redis and Git need some, too; event streams are 2,000 at most. */
const mostConnections = 5_000

/**
 * The REST API, not yet listening. `ready()` fails when a route declares no policy.
 * Close it to end its event streams.
 */
export function buildServer(options: ApiOptions): Api {
  const requestTimeout = options.requestTimeout ?? 30_000
  const { hub, authenticate, login } = options
  const sessions = login?.sessions
  const throttle = createThrottle({
    ...{ perCaller: 100, perSecond: 2_000, strangers: 20, clock: () => Date.now() },
    ...options.rate,
  })
  const auth = { hub, authenticate, ...(sessions && { sessions }) }
  const app = fastify({
    loggerInstance: options.log,
    bodyLimit: 64 * 1024,
    requestTimeout,
    // Node takes the longer of the two for the whole request, and looks every half minute only.
    http: {
      requestTimeout,
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: Math.ceil(requestTimeout / 4),
    },
    schemaController: { compilersFactory: { buildSerializer: buildLazily } },
    // A request id from outside could forge log lines of other requests.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    frameworkErrors: sendProblem,
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket),
  }).withTypeProvider<TypeBoxTypeProvider>()

  boundConnections(app.server, mostConnections)
  for (const component of components) app.addSchema(component)
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => compileValidator(schema, httpPart))
  app.removeContentTypeParser('text/plain')
  app.decorateRequest('principal', null)
  app.decorateRequest('idempotency', null)
  app.decorateRequest('session', null)
  app.decorateRequest('stillAllowed', null)
  // Set by `authorize` before any handler that may use it.
  app.decorateRequest('hub')
  app.setErrorHandler(sendProblem)
  const methodsOf = noteMethods(app)
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(request.url)
    if (methods.length === 0) throw new HubError('not_found', 'No such resource')
    void reply.header('allow', methods.join(', '))
    throw new RequestError('method_not_allowed', `It answers ${methods.join(', ')}`)
  })

  app.addHook('onRoute', (route) => {
    if (route.config?.policy === undefined) {
      throw new Error(`${String(route.method)} ${route.url}: the route declares no policy`)
    }
  })
  app.addHook('onRequest', async (request, reply) => {
    try {
      await authorize(request, auth)
    } catch (error) {
      if (error instanceof HubError && error.code === 'unauthenticated') {
        throttle.refuse(request, reply)
      }
      throw error
    }
    if (request.principal) throttle.take(request, reply)
    else if (request.routeOptions.config.throttled) throttle.admit(request, reply)
  })
  app.addHook('preHandler', (request, reply) => claimKey(request, reply, options.idempotency))
  app.addHook('onSend', async (request, reply, payload) => {
    await settleKey(request, reply, payload, options.idempotency)
    return finish(request, reply, payload)
  })

  const streams = createEventStreams({
    heartbeat: options.heartbeat ?? 10_000,
    maxStreams: 2_000,
    maxStreamsPerActor: 32,
  })
  options.onStreams?.(() => streams.count())
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url
    // A stream is answered for as long as somebody listens.
    if (route?.endsWith('/stream')) return
    options.onAnswered?.(route ?? 'none', reply.statusCode, reply.elapsedTime / 1_000)
  })
  app.addHook('preClose', async () => {
    streams.closeAll()
    // A connection opened ahead of need counts as busy, and would hold the closing up for long.
    setTimeout(() => app.server.closeAllConnections(), options.drain ?? 10_000).unref()
  })

  void app.register(swagger, describeApi(options.version))
  void app.register(async (api: Api) => {
    addHealthRoutes(api, options)
    addClusterRoutes(api)
    addMatrixRoutes(api)
    addDryRunRoutes(api)
    addMembershipRoutes(api)
    addFleetRoutes(api)
    addFactsRoutes(api)
    addSourceRoutes(api)
    addImageRoutes(api)
    addReceiptRoutes(api)
    addRolloutRoutes(api)
    addProposalRoutes(api)
    addEventRoutes(api, streams)
    if (options.trust) addTrustRoutes(api, options.trust)
    addAccessRoutes(api, options.tokens)
    addSupportRoutes(api, options)
    addSurveyRoutes(api)
    addLoginRoutes(api, login)
    addWebhookRoutes(api, options.hub)
    addDashboardRoutes(api, options.dashboard)
  })
  return app
}

function describeApi(version: string) {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Groundswell',
        version,
        description: 'Fleet state, rollouts and enrolment of a Groundswell hub.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { bearer: { type: 'http' as const, scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url }: { schema: FastifySchema; url: string }) => ({
      schema: schema && tellSelections(schema),
      url,
    }),
    refResolver: {
      buildLocalReference: (schema: { readonly $id?: unknown }) => String(schema.$id),
    },
  }
}

/** An answer of picked fields lacks members that the whole must have. */
function tellSelections(schema: FastifySchema): FastifySchema {
  const { properties } = (schema.querystring ?? {}) as { readonly properties?: object }
  const response = schema.response as Readonly<Record<string, { readonly $ref?: string }>>
  const whole = response?.['200']
  if (!properties || !('fields' in properties) || !whole?.$ref) return schema
  const { $ref } = whole
  const picked = { type: 'object', description: 'with `fields`: no more than those' }
  const description = $ref.replace('#', '')
  return { ...schema, response: { ...response, 200: { description, anyOf: [{ $ref }, picked] } } }
}

/** Each route's answers are compiled with the first of them: all at once they are a tenth of a hub's start. */
const buildLazily: SerializerFactory = (externalSchemas, options) => {
  const build = SerializerSelector()(externalSchemas, options)
  return (route) => {
    let serialize: Serializer | undefined
    return (value: unknown) => (serialize ??= build(route))(value)
  }
}

/** Bodies must be what they say; only text that comes in a URL is read as number or boolean. */
function compileValidator(schema: TSchema, httpPart: string | undefined) {
  let compiled: ReturnType<typeof Compile<TSchema>> | undefined
  return (given: unknown) => {
    const validator = (compiled ??= Compile(schema))
    const value = httpPart === 'body' ? given : readText(validator, given)
    if (validator.Check(value)) {
      const odd = httpPart === 'body' ? findIllFormed(value) : undefined
      if (odd === undefined) return { value }
      const message = 'must be well-formed Unicode'
      const fault = { pointer: odd, message }
      return { error: new RequestError('invalid', `body${odd}: ${message}`, [fault]) }
    }
    const errors = validator
      .Errors(value)
      .filter((error) => error.keyword !== 'boolean')
      .map((error) => ({
        pointer: error.instancePath,
        message:
          error.keyword === 'additionalProperties'
            ? `unknown: ${error.params.additionalProperties.join(', ')}`
            : error.keyword === 'enum'
              ? `must be one of ${error.params.allowedValues.join(', ')}`
              : error.message,
      }))
    const part = { querystring: 'query', params: 'path' }[httpPart ?? ''] ?? httpPart ?? 'request'
    const detail = errors.map(({ pointer, message }) => `${part}${pointer}: ${message}`).join('; ')
    return { error: new RequestError('invalid', detail, errors.slice(0, 100)) }
  }
}

/** A number that is read as another, such as 1 of `1.5`, stays the text that it was. */
function readText(validator: ReturnType<typeof Compile<TSchema>>, given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return validator.Convert(given)
  // Converting may write into what it is given.
  const texts: Readonly<Record<string, unknown>> = { ...given }
  const converted = validator.Convert({ ...given }) as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(converted).map(([name, value]) => [
      name,
      typeof value === 'number' && Number(texts[name]) !== value ? texts[name] : value,
    ]),
  )
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, `urn:uuid:${request.id}`)
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
  if (problem.status === 503) void reply.header('retry-after', '2')
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="groundswell"')
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(problem)
}

/** ETag by content. A handler may have set the version of what it shows: that comes first. */
function finish(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  void reply.header('x-request-id', request.id)
  void reply.header('x-content-type-options', 'nosniff')
  if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'private, no-cache')
  const tagged = request.routeOptions.config?.etag === true && reply.statusCode === 200
  if (!tagged || typeof payload !== 'string') return payload
  const version = reply.getHeader('etag')
  const hash = createHash('sha256').update(payload).digest('hex').slice(0, 16)
  const etag = `"${version === undefined ? '' : `${String(version)}.`}${hash}"`
  void reply.header('etag', etag)
  const known = request.headers['if-none-match']?.split(',').map((one) => one.trim())
  if (!known?.some((one) => one === '*' || one.replace(/^W\//, '') === etag)) return payload
  void reply.code(304).removeHeader('content-length')
  return null
}

function refuseMalformed(
  error: Error,
  socket: {
    writable: boolean
    end(text: string, done: () => void): void
    destroy(error?: Error): void
  },
): void {
  if (!socket.writable) return socket.destroy(error)
  const problem = toProblem(
    new RequestError('invalid', 'Not an HTTP request the hub can read'),
    `urn:uuid:${randomUUID()}`,
  )
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    // Who goes on sending would keep the connection open for as long as that lasts (B64).
    () => socket.destroy(),
  )
}
