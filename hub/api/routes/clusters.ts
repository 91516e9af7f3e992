import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { viewObjects } from '../objects-view.ts'
import { decodeCursor, takePage } from '../page.ts'
import {
  answers,
  ByClusterApplication,
  ByName,
  ClusterList,
  defaultLimit,
  SelectorQuery,
} from '../schemas.ts'
import { parseSelector } from '../selector.ts'
import { ClusterView, ObjectsView } from '../views.ts'

export function addClusterRoutes(app: Api): void {
  app.get('/api/v1/clusters', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listClusters',
      summary: 'Clusters by name',
      querystring: SelectorQuery,
      response: answers(200, ClusterList),
    },
    handler: async ({ query, hub }) => {
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
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'getCluster',
      summary: 'One cluster and its applications',
      params: ByName,
      response: answers(200, ClusterView),
    },
    handler: async ({ params, hub }) => (await hub.cluster(params.name)) ?? missing(params.name),
  })

  app.get('/api/v1/clusters/:name/applications/:application/objects', {
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'listObjects',
      summary: 'Manifest of an application on a cluster, with the state of each object',
      params: ByClusterApplication,
      response: answers(200, ObjectsView),
    },
    handler: async ({ params: { name, application }, hub }) => {
      const assigned = await hub.manifest(name, application)
      if (!assigned) {
        throw new HubError('not_found', `Cluster ${name} is assigned no application ${application}`)
      }
      return viewObjects(name, application, assigned)
    },
  })
}

function missing(name: string): never {
  throw new HubError('not_found', `No cluster ${name}`)
}
