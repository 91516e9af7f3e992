import { parseDuration } from '@groundswell/proto/duration.ts'
import { HubError } from '../../errors.ts'
import { principalOf } from '../auth.ts'
import type { Api } from '../http.ts'
import type { Hub } from '../hub.ts'
import { viewObjects } from '../objects-view.ts'
import { decodeCursor, takePage } from '../page.ts'
import {
  answers,
  ByClusterApplication,
  ByName,
  ClusterList,
  defaultLimit,
  RevokeBody,
  SelectorQuery,
  TokenBody,
} from '../schemas.ts'
import { parseSelector } from '../selector.ts'
import { ClusterView, ObjectsView, TokenView } from '../views.ts'

/** A token lives an hour unless asked otherwise; a week at most. Milliseconds. */
const tokenTtl = { default: 3_600_000, minimum: 60_000, maximum: 24 * 3_600_000 }

export function addClusterRoutes(app: Api, hub: Hub): void {
  app.get('/api/v1/clusters', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listClusters',
      summary: 'Clusters by name',
      querystring: SelectorQuery,
      response: answers(200, ClusterList),
    },
    handler: async ({ query }) => {
      const matches = parseSelector(query.selector ?? '')
      return takePage(hub.clusters(decodeCursor('cluster', query.continue)), {
        limit: query.limit ?? defaultLimit,
        kind: 'cluster',
        keyOf: (cluster) => cluster.name,
        keep: (cluster) => matches(cluster.labels),
      })
    },
  })

  app.get('/api/v1/clusters/:name', {
    config: { policy: 'viewer', etag: true },
    schema: {
      operationId: 'getCluster',
      summary: 'One cluster and its applications',
      params: ByName,
      response: answers(200, ClusterView),
    },
    handler: async ({ params }) => (await hub.cluster(params.name)) ?? missing(params.name),
  })

  app.get('/api/v1/clusters/:name/applications/:application/objects', {
    config: { policy: 'viewer', etag: true },
    schema: {
      operationId: 'listObjects',
      summary: 'Manifest of an application on a cluster, with the state of each object',
      params: ByClusterApplication,
      response: answers(200, ObjectsView),
    },
    handler: async ({ params: { name, application } }) => {
      const assigned = await hub.manifest(name, application)
      if (!assigned) {
        throw new HubError('not_found', `Cluster ${name} is assigned no application ${application}`)
      }
      return viewObjects(name, application, assigned)
    },
  })

  app.post('/api/v1/clusters/:name/tokens', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'createToken',
      summary: 'Make a join token for a cluster; shown only now',
      params: ByName,
      body: TokenBody,
      response: answers(201, TokenView),
    },
    handler: async (request, reply) => {
      const { ttl } = request.body
      const duration = ttl === undefined ? tokenTtl.default : parseDuration(ttl)
      if (duration < tokenTtl.minimum || duration > tokenTtl.maximum) {
        throw new HubError('invalid', 'ttl: at least 1m and at most 24h')
      }
      const token = await hub.createToken(request.params.name, duration, principalOf(request))
      return reply.code(201).header('cache-control', 'no-store').send(token)
    },
  })

  app.post('/api/v1/clusters/:name/revoke', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'revokeCluster',
      summary: "End a cluster's identity; what runs on it is left alone",
      params: ByName,
      body: RevokeBody,
      response: answers(200, ClusterView),
    },
    handler: async (request) => {
      const { name } = request.params
      await hub.revokeCluster(name, principalOf(request), request.body.reason ?? '')
      return (await hub.cluster(name)) ?? missing(name)
    },
  })
}

function missing(name: string): never {
  throw new HubError('not_found', `No cluster ${name}`)
}
