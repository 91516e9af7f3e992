import type { Api, ApiOptions } from '../http.ts'
import { answers, problem, VersionView } from '../schemas.ts'
import { HealthView } from '../views.ts'

/** What probes, scrapers and tools ask. Check messages stay in the log: probes carry no token. */
export function addHealthRoutes(app: Api, options: ApiOptions): void {
  app.get('/livez', {
    config: { policy: 'public' },
    schema: {
      operationId: 'getLiveness',
      summary: 'Whether the process answers',
      security: [],
      response: plainText,
    },
    handler: async (_request, reply) => reply.type('text/plain').send('ok'),
  })

  for (const path of ['readyz', 'healthz']) {
    app.get(`/${path}`, {
      config: { policy: 'public' },
      schema: {
        operationId: path === 'readyz' ? 'getReadiness' : 'getHealth',
        summary: 'Whether the hub can do its work; 503 when it cannot',
        security: [],
        response: { ...answers(200, HealthView), ...answers(503, HealthView) },
      },
      handler: async (_request, reply) => {
        const health = await options.hub.health()
        const ofTrust = options.trust?.warnings().map(({ code }) => code) ?? []
        const warnings = [...(health.warnings ?? []), ...ofTrust]
        return reply.code(health.ready ? 200 : 503).send({ ...health, warnings })
      },
    })
  }

  app.get('/metrics', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'getMetrics',
      summary: 'Prometheus text format',
      response: { ...plainText, ...problem },
    },
    handler: async (_request, reply) =>
      reply.type(options.metrics.contentType).send(await options.metrics.metrics()),
  })

  // It stays as it is, and anybody may ask for it: writing it out takes 3 ms, a hundred times what else they may ask.
  let document: string | undefined
  app.get('/openapi.json', {
    config: { policy: 'public' },
    schema: { hide: true },
    handler: async (_request, reply) => {
      document ??= JSON.stringify(app.swagger())
      return reply.type('application/json; charset=utf-8').send(document)
    },
  })

  app.get('/api/v1/version', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'getVersion',
      summary: "The hub's version",
      response: answers(200, VersionView),
    },
    handler: async () => ({ version: options.version }),
  })
}

const plainText = {
  200: { description: 'plain text', content: { 'text/plain': { schema: { type: 'string' } } } },
}
