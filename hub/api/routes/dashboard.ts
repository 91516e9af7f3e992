import type { FastifyReply, FastifyRequest } from 'fastify'
import { HubError } from '../../errors.ts'
import type { DashboardFile, DashboardFiles } from '../dashboard-files.ts'
import type { Api } from '../http.ts'

/**
 * Nothing runs on the page but what the hub serves, and it talks to nobody else: names and words of
 * clusters are text, whatever is in them (T35).
 */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** The dashboard, public as such: it holds nothing, and asks the API like anybody else. */
export function addDashboardRoutes(app: Api, files: DashboardFiles | undefined): void {
  app.get('/', {
    config: { policy: 'public' },
    schema: { hide: true },
    handler: async (_request, reply) => reply.redirect('/ui/'),
  })
  app.get('/ui', {
    config: { policy: 'public' },
    schema: { hide: true },
    handler: async (_request, reply) => reply.redirect('/ui/'),
  })
  app.get('/ui/*', {
    config: { policy: 'public' },
    schema: { hide: true },
    handler: async (request, reply) => {
      if (!files) {
        throw new HubError(
          'not_found',
          'The dashboard was not built: `npm run dashboard` makes it, and the hub serves it from its next start on',
        )
      }
      const { '*': path = '' } = request.params as { '*'?: string }
      const named = files.get(path)
      // Every other address is one of the page's own, but for what only a file can be.
      const file = named ?? (path.startsWith('assets/') ? undefined : files.get('index.html'))
      if (!file) throw new HubError('not_found', 'No such file of the dashboard')
      return send(request, reply, file, named !== undefined && path.startsWith('assets/'))
    },
  })
}

/** Names of assets change with what is in them, so they may be kept for ever. */
function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, bytes, brotli }: DashboardFile,
  named: boolean,
): FastifyReply {
  const packed = /\bbr\b/.test(request.headers['accept-encoding'] ?? '')
  void reply
    .type(type)
    .header('vary', 'accept-encoding')
    .header('cache-control', named ? 'public, max-age=31536000, immutable' : 'no-cache')
    .header('content-security-policy', contentPolicy)
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-opener-policy', 'same-origin')
  if (packed) void reply.header('content-encoding', 'br')
  return reply.send(packed ? brotli : bytes)
}
