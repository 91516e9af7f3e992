import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { viewObjects } from '../objects-view.ts'
import { clusterOrders } from '../hub.ts'
import { formatPlace, readOrder } from '../order.ts'
import { decodePlace, defaultLimit, kindOfOrder, sendFields, takePage } from '../page.ts'
import {
  answers,
  ByClusterApplication,
  ByName,
  ClusterList,
  FieldsQuery,
  SelectorQuery,
} from '../schemas.ts'
import { parseSelector } from '../selector.ts'
import { ClusterSummary, ClusterView, ObjectsView } from '../views.ts'

export function addClusterRoutes(app: Api): void {
  app.get('/api/v1/clusters', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listClusters',
      summary: 'Clusters by name',
      querystring: SelectorQuery(...clusterOrders),
      response: answers(200, ClusterList),
    },
    handler: async ({ query, hub }, reply) => {
      const order = readOrder(query.sort, 'name')
      const kind = kindOfOrder('cluster', order)
      const after = decodePlace(kind, query.continue)
      const keep = parseSelector(query.selector ?? '')
      const places = hub.clusters({ order, after, keep })
      const page = await takePage(places, {
        ...{ limit: query.limit ?? defaultLimit, kind },
        keyOf: ({ place }) => formatPlace(place),
      })
      const items = page.items.map(({ cluster }) => cluster)
      return sendFields(reply, { ...page, items }, query.fields, ClusterSummary)
    },
  })

  app.get('/api/v1/clusters/:name', {
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'getCluster',
      summary: 'One cluster and its applications',
      params: ByName,
      querystring: FieldsQuery,
      response: answers(200, ClusterView),
    },
    handler: async ({ params, query, hub }, reply) => {
      const cluster = (await hub.cluster(params.name)) ?? missing(params.name)
      return sendFields(reply, cluster, query.fields, ClusterView)
    },
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
