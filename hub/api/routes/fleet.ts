import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { decodeCursor, takePage } from '../page.ts'
import {
  answers,
  ApplicationList,
  ByName,
  defaultLimit,
  DiffQuery,
  GroupList,
  SelectorQuery,
} from '../schemas.ts'
import { parseSelector } from '../selector.ts'
import { ApplicationView, type ClusterDiffView, DiffView, FleetView, GroupView } from '../views.ts'

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
      querystring: SelectorQuery,
      response: answers(200, GroupList),
    },
    handler: async ({ query, hub }) => {
      const matches = parseSelector(query.selector ?? '')
      return takePage(hub.groups(decodeCursor('group', query.continue)), {
        limit: query.limit ?? defaultLimit,
        kind: 'group',
        keyOf: (group) => group.name,
        keep: (group) => matches(group.labels),
      })
    },
  })

  app.get('/api/v1/groups/:name', {
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'getGroup',
      summary: 'One cluster group',
      params: ByName,
      response: answers(200, GroupView),
    },
    handler: async ({ params, hub }) => {
      const group = await hub.group(params.name)
      if (!group) throw new HubError('not_found', `No cluster group ${params.name}`)
      return group
    },
  })

  app.get('/api/v1/applications', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listApplications',
      summary: 'Applications by name',
      querystring: SelectorQuery,
      response: answers(200, ApplicationList),
    },
    handler: async ({ query, hub }) => {
      const matches = parseSelector(query.selector ?? '')
      return takePage(hub.applications(decodeCursor('application', query.continue)), {
        limit: query.limit ?? defaultLimit,
        kind: 'application',
        keyOf: (application) => application.name,
        keep: (application) => matches(application.labels),
      })
    },
  })

  app.get('/api/v1/applications/:name', {
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'getApplication',
      summary: 'One application over its clusters',
      params: ByName,
      response: answers(200, ApplicationView),
    },
    handler: async ({ params, hub }) => {
      const application = await hub.application(params.name)
      if (!application) throw new HubError('not_found', `No application ${params.name}`)
      return application
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
      const clusters: ClusterDiffView[] = []
      for await (const row of hub.diff(params.name)) {
        if (query.cluster === undefined || row.cluster === query.cluster) clusters.push(row)
      }
      if (query.cluster !== undefined && clusters.length === 0) {
        throw new HubError('not_found', `${params.name} is not on a cluster ${query.cluster}`)
      }
      return { application: params.name, clusters }
    },
  })
}
