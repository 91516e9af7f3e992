import { Type } from 'typebox'
import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import type { Hub } from '../hub.ts'
import { RequestError } from '../problem.ts'
import { ByName, problem } from '../schemas.ts'

/** Bytes; Git hosts list commits in a push, and one event is only a hint to fetch. */
const bodyLimit = 1024 * 1024
/** Being read at a time: anybody may begin one and not go on, and each holds what came of it. */
const mostAtOnce = 64

/** No bearer token here: the hub checks the host's signature over the exact bytes. */
export function addWebhookRoutes(app: Api, hub: Hub): void {
  void app.register(async (raw: Api) => {
    let reading = 0
    raw.addHook('onRequest', async (_request, reply) => {
      if (reading >= mostAtOnce) {
        void reply.header('retry-after', '5')
        throw new RequestError('too_many_requests', 'Too many webhooks at once: try again')
      }
      reading += 1
      reply.raw.once('close', () => (reading -= 1))
    })
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    )
    raw.post('/api/v1/webhooks/:name', {
      config: { policy: 'public' },
      bodyLimit,
      schema: {
        operationId: 'receiveWebhook',
        summary: 'A Git host says that something was pushed',
        security: [],
        params: ByName,
        response: { 202: Type.Object({ accepted: Type.Boolean() }), ...problem },
      },
      handler: async ({ params, headers, body }, reply) => {
        const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
        try {
          await hub.webhook(params.name, headers, bytes)
        } catch (cause) {
          // Whether a webhook exists is not for callers without its secret (T34).
          if (cause instanceof HubError && cause.code === 'not_found') {
            throw new HubError('unauthenticated', 'The signature was refused', { cause })
          }
          throw cause
        }
        return reply.code(202).send({ accepted: true })
      },
    })
  })
}
