import { parseDuration } from '@groundswell/proto/duration.ts'
import { HubError } from '../../errors.ts'
import { principalOf } from '../auth.ts'
import type { Api } from '../http.ts'
import type { Hub } from '../hub.ts'
import { takeSorted } from '../page.ts'
import {
  answers,
  ApproveBody,
  AuthorityList,
  ByName,
  NoQuery,
  PageQuery,
  PendingList,
  RevokeBody,
  TokenBody,
} from '../schemas.ts'
import { ClusterView, TokenView } from '../views.ts'

/** A token lives an hour unless asked otherwise; a day at most. Milliseconds. */
const tokenTtl = { default: 3_600_000, minimum: 60_000, maximum: 24 * 3_600_000 }

/** Who belongs to the fleet: joining, approval, revocation. */
export function addMembershipRoutes(app: Api): void {
  app.post('/api/v1/clusters/:name/tokens', {
    config: { policy: 'admin', secret: true },
    schema: {
      operationId: 'createToken',
      summary: 'Make a join token for a cluster; shown only now',
      params: ByName,
      body: TokenBody,
      response: answers(201, TokenView),
    },
    handler: async (request, reply) => {
      const { ttl: text, ...asked } = request.body
      const ttl = text === undefined ? tokenTtl.default : parseDuration(text)
      if (ttl < tokenTtl.minimum || ttl > tokenTtl.maximum) {
        throw new HubError('invalid', 'ttl: at least 1m and at most 24h')
      }
      const by = principalOf(request)
      const token = await request.hub.createToken(request.params.name, { ...asked, ttl }, by)
      return reply.code(201).header('cache-control', 'no-store').send(token)
    },
  })

  app.get('/api/v1/pending-clusters', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listPendingClusters',
      summary: 'Agents that joined and wait for approval',
      querystring: PageQuery,
      response: answers(200, PendingList),
    },
    handler: async ({ query, hub }) =>
      takeSorted(hub.pendingClusters(), query, {
        ...{ kind: 'pending', order: { by: 'cluster', descending: false } },
        placeOf: ({ cluster }) => ({ key: cluster, name: '' }),
      }),
  })

  app.get('/api/v1/authorities', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listAuthorities',
      summary: "The hub's certificate authorities that agents trust, the issuing one first",
      querystring: NoQuery,
      response: answers(200, AuthorityList),
    },
    // No more than follow each other in a life: one page.
    handler: async ({ hub }) => ({ items: [...hub.authorities()], continue: null }),
  })

  app.post('/api/v1/clusters/:name/approve', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'approveCluster',
      summary: 'Trust the agent that waits, whose fingerprint was compared',
      params: ByName,
      body: ApproveBody,
      response: answers(200, ClusterView),
    },
    handler: async (request) => {
      const { name } = request.params
      await request.hub.approveCluster(name, request.body.fingerprint, principalOf(request))
      return viewOf(request.hub, name)
    },
  })

  const addAction = (
    path: 'revoke' | 'unlock' | 'recover',
    act: 'revokeCluster' | 'unlockCluster' | 'recoverCluster',
    summary: string,
  ): void => {
    app.post(`/api/v1/clusters/:name/${path}`, {
      config: { policy: 'admin' },
      schema: {
        operationId: act,
        summary,
        params: ByName,
        body: RevokeBody,
        response: answers(200, ClusterView),
      },
      handler: async (request) => {
        const { name } = request.params
        await request.hub[act](name, principalOf(request), request.body.reason ?? '')
        return viewOf(request.hub, name)
      },
    })
  }
  addAction('revoke', 'revokeCluster', "End a cluster's identity; what runs on it is left alone")
  addAction(
    'unlock',
    'unlockCluster',
    'Let a locked cluster take a new certificate by its bound key',
  )
  addAction(
    'recover',
    'recoverCluster',
    'Let a cluster whose certificate expired take one more by its bound key',
  )
}

async function viewOf(hub: Hub, name: string) {
  const found = await hub.cluster(name)
  if (!found) throw new HubError('not_found', `No cluster ${name}`)
  return found
}
