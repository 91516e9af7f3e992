import type { Static } from 'typebox'
import { parseObjectId } from '@groundswell/proto/object-id.ts'
import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { ObjectsView, ObjectView, isUnwell, listObjects, viewObjects } from '../objects-view.ts'
import { clusterOrders } from '../hub.ts'
import { formatPlace, readOrder } from '../order.ts'
import {
  decodeCursor,
  decodePlace,
  defaultLimit,
  kindOfOrder,
  sendFields,
  takePage,
} from '../page.ts'
import {
  answers,
  ByClusterApplication,
  ByName,
  ClusterList,
  FieldsQuery,
  ObjectsQuery,
  SelectorQuery,
} from '../schemas.ts'
import { parseSelector } from '../selector.ts'
import { ClusterSummary, ClusterView } from '../views.ts'

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
      const { selector } = query
      const keep = selector === undefined ? {} : { keep: parseSelector(selector) }
      const places = hub.clusters({ order, after, ...keep })
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
      summary: 'Objects of an application on a cluster, with the state of each',
      params: ByClusterApplication,
      querystring: ObjectsQuery,
      response: answers(200, ObjectsView),
    },
    handler: async ({ params: { name, application }, query, hub }, reply) => {
      const assigned = await hub.manifest(name, application)
      if (!assigned) {
        throw new HubError('not_found', `Cluster ${name} is assigned no application ${application}`)
      }
      const all = listObjects(assigned)
      // Of another manifest the same place would be another object.
      const kind = `object/${assigned.digest.slice('sha256:'.length, 'sha256:'.length + 16)}`
      const after = Number(decodeCursor(kind, query.continue) ?? 0)
      const page = await takePage(
        all.slice(after).map((object, at) => ({ object, at: after + at })),
        {
          ...{ limit: query.limit ?? defaultLimit, kind },
          keyOf: ({ at }) => String(at + 1),
          keep: ({ object }) => isWanted(object, query),
        },
      )
      const items = page.items.map(({ object }) => object)
      const shown = viewObjects(name, application, assigned, { all, page: { ...page, items } })
      return sendFields(reply, shown, query.fields, ObjectView)
    },
  })
}

function isWanted(object: ObjectView, query: Static<typeof ObjectsQuery>): boolean {
  const { group, kind } = parseObjectId(object.id)
  return (
    (query.group === undefined || query.group === group) &&
    (query.kind === undefined || query.kind === kind) &&
    (query.unwell === undefined || query.unwell === isUnwell(object))
  )
}

function missing(name: string): never {
  throw new HubError('not_found', `No cluster ${name}`)
}
