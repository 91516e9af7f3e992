import { parseDuration } from '@groundswell/proto/duration.ts'
import { actions } from '../../access/action.ts'
import type { ApiTokenRecord } from '../../access/api-token.ts'
import type { ApiTokens } from '../../access/api-tokens.ts'
import { HubError } from '../../errors.ts'
import { principalOf } from '../auth.ts'
import type { Api } from '../http.ts'
import { takeSorted } from '../page.ts'
import { timestamp } from '../rollout-view.ts'
import {
  answers,
  ByToken,
  noContent,
  NoQuery,
  PageQuery,
  ApiTokenBody,
  ApiTokenList,
} from '../schemas.ts'
import { MadeApiTokenView, type ApiTokenView, WhoView } from '../access-view.ts'

const dayMs = 24 * 3_600_000
/** A token without an end would outlive whoever knows of it. Milliseconds. */
const tokenTtl = { default: 90 * dayMs, minimum: 60_000, maximum: 366 * dayMs }

/** Who callers are, and the tokens of programs among them. */
export function addAccessRoutes(app: Api, tokens: ApiTokens): void {
  app.get('/api/v1/whoami', {
    config: { policy: 'known' },
    schema: {
      operationId: 'getCaller',
      summary: 'Who you are to the hub, and what you may do',
      querystring: NoQuery,
      response: answers(200, WhoView),
    },
    handler: async (request, reply) => {
      const { actor, role, groups = [], expiresAt } = principalOf(request)
      const rights = request.hub.rights(principalOf(request))
      return reply.header('cache-control', 'no-store').send({
        actor,
        role,
        groups: [...groups],
        expiresAt: expiresAt === undefined ? null : timestamp(expiresAt),
        csrf: request.session?.csrf ?? null,
        actions: actions.filter((action) => rights.mayAnywhere(action)),
      })
    },
  })

  app.get('/api/v1/tokens', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'listApiTokens',
      summary: 'Bearer tokens of programs that hold now, by name',
      querystring: PageQuery,
      response: answers(200, ApiTokenList),
    },
    handler: async ({ query }) =>
      takeSorted(tokens.list().map(view), query, {
        ...{ kind: 'token', order: { by: 'name', descending: false } },
        placeOf: ({ name, id }) => ({ key: name, name: id }),
      }),
  })

  app.post('/api/v1/tokens', {
    config: { policy: 'admin', secret: true },
    schema: {
      operationId: 'createApiToken',
      summary: 'Make a bearer token for a program; shown only now',
      body: ApiTokenBody,
      response: answers(201, MadeApiTokenView),
    },
    handler: async (request, reply) => {
      const { name, role = null, groups = [], ttl: text } = request.body
      if (role === null && groups.length === 0) {
        throw new HubError('invalid', 'role, groups: give one of them; it could do nothing')
      }
      const ttl = text === undefined ? tokenTtl.default : parseDuration(text)
      if (ttl < tokenTtl.minimum || ttl > tokenTtl.maximum) {
        throw new HubError('invalid', 'ttl: at least 1m and at most 8784h')
      }
      const made = await tokens.create({ name, role, groups, ttl }, principalOf(request))
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...view(made.record), token: made.token })
    },
  })

  app.delete('/api/v1/tokens/:id', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'revokeApiToken',
      summary: 'End a token; whoever streams by it is cut within a minute',
      params: ByToken,
      response: noContent('it holds no more'),
    },
    handler: async (request, reply) => {
      await tokens.revoke(request.params.id, principalOf(request))
      return reply.code(204).send()
    },
  })
}

function view({ id, name, role, groups, expiresAt }: ApiTokenRecord): ApiTokenView {
  return { id, name, role, groups: [...groups], expiresAt: timestamp(expiresAt) }
}
