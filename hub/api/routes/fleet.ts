import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { formatPlace, readOrder } from '../order.ts'
import {
  decodeCursor,
  decodePlace,
  defaultLimit,
  kindOfOrder,
  sendFields,
  takePage,
  takeSorted,
} from '../page.ts'
import {
  answers,
  ApplicationList,
  ByName,
  DiffQuery,
  FieldsQuery,
  GroupList,
  SelectorQuery,
} from '../schemas.ts'
import { parseSelector } from '../selector.ts'
import { ApplicationView, DiffView, FleetView, GroupView } from '../views.ts'

const standings = ['updated', 'pending', 'failed', 'unreachable', 'drifted'] as const

/** What Git declares: groups, applications, and the state of the fleet repository itself. */
export function addFleetRoutes(app: Api): void {
  app.get('/api/v1/fleet', {
    config: { policy: 'viewer', etag: true },
    schema: {
      operationId: 'getFleet',
      summary: 'What was last read from Git, and its faults',
      response: answers(200, FleetView),
    },
    handler: async ({ hub }) => hub.fleet(),
  })

  app.get('/api/v1/groups', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listGroups',
      summary: 'Cluster groups by name',
      querystring: SelectorQuery('name', 'clusters', 'connected', 'unreachable'),
      response: answers(200, GroupList),
    },
    handler: async ({ query, hub }, reply) => {
      const matches = parseSelector(query.selector ?? '')
      const order = readOrder(query.sort, 'name')
      const page = await takeSorted(hub.groups(null), query, {
        ...{ kind: 'group', order, keep: ({ labels }) => matches(labels) },
        placeOf: ({ name, counts }) => ({ name, key: { ...counts, name }[order.by] }),
      })
      return sendFields(reply, page, query.fields, GroupView)
    },
  })

  app.get('/api/v1/groups/:name', {
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'getGroup',
      summary: 'One cluster group',
      params: ByName,
      querystring: FieldsQuery,
      response: answers(200, GroupView),
    },
    handler: async ({ params, query, hub }, reply) => {
      const group = await hub.group(params.name)
      if (!group) throw new HubError('not_found', `No cluster group ${params.name}`)
      return sendFields(reply, group, query.fields, GroupView)
    },
  })

  app.get('/api/v1/applications', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listApplications',
      summary: 'Applications by name',
      querystring: SelectorQuery('name', 'targets', ...standings),
      response: answers(200, ApplicationList),
    },
    handler: async ({ query, hub }, reply) => {
      const matches = parseSelector(query.selector ?? '')
      const keep = ({ labels }: ApplicationView) => matches(labels)
      const order = readOrder(query.sort, 'name')
      const kind = kindOfOrder('application', order)
      const limit = query.limit ?? defaultLimit
      // By name a page costs what it shows; by anything else all of them are looked at.
      const page = query.sort
        ? await takeSorted(hub.applications(null), query, {
            ...{ kind: 'application', order, keep },
            placeOf: ({ name, targets, counts }) => ({
              name,
              key: { ...counts, name, targets }[order.by],
            }),
          })
        : await takePage(hub.applications(decodePlace(kind, query.continue)?.name ?? null), {
            ...{ limit, kind, keep },
            keyOf: ({ name }) => formatPlace({ name, key: name }),
          })
      return sendFields(reply, page, query.fields, ApplicationView)
    },
  })

  app.get('/api/v1/applications/:name', {
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'getApplication',
      summary: 'One application over its clusters',
      params: ByName,
      querystring: FieldsQuery,
      response: answers(200, ApplicationView),
    },
    handler: async ({ params, query, hub }, reply) => {
      const application = await hub.application(params.name)
      if (!application) throw new HubError('not_found', `No application ${params.name}`)
      return sendFields(reply, application, query.fields, ApplicationView)
    },
  })

  app.get('/api/v1/applications/:name/diff', {
    config: { policy: 'read' },
    schema: {
      operationId: 'diffApplication',
      summary: 'Desired against reported state, a row a cluster',
      params: ByName,
      querystring: DiffQuery,
      response: answers(200, DiffView),
    },
    handler: async ({ params, query, hub }) => {
      const after = decodeCursor('diff', query.continue)
      const page = await takePage(hub.diff(params.name), {
        ...{ limit: query.limit ?? defaultLimit, kind: 'diff' },
        keyOf: ({ cluster }) => cluster,
        keep: ({ cluster }) =>
          (query.cluster === undefined || cluster === query.cluster) &&
          (after === null || cluster > after),
      })
      if (query.cluster !== undefined && page.items.length === 0) {
        throw new HubError('not_found', `${params.name} is not on a cluster ${query.cluster}`)
      }
      return { application: params.name, clusters: [...page.items], continue: page.continue }
    },
  })
}
