import { HubError } from '../../errors.ts'
import { principalOf } from '../auth.ts'
import type { Api } from '../http.ts'
import type { Order } from '../order.ts'
import { decodeCursor, defaultLimit, takePage, takeSorted } from '../page.ts'
import {
  ActionBody,
  answers,
  AuditList,
  AuditQuery,
  ByCommit,
  ByName,
  DriftList,
  HeldList,
  noContent,
  NoQuery,
  OpenGateList,
  PageQuery,
  PolicyList,
  RevisionList,
  WindowList,
} from '../schemas.ts'
import { CommitView, SummaryView } from '../survey-view.ts'

const byName: Order<'name'> = { by: 'name', descending: false }
const newestFirst: Order<'createdAt'> = { by: 'createdAt', descending: true }

/** What is said of the fleet as a whole. */
export function addSurveyRoutes(app: Api): void {
  app.get('/api/v1/summary', {
    config: { policy: 'viewer', etag: true },
    schema: {
      operationId: 'getSummary',
      summary: 'The fleet in counters',
      querystring: NoQuery,
      response: answers(200, SummaryView),
    },
    handler: async ({ hub }) => hub.summary(),
  })

  app.get('/api/v1/holds', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listHolds',
      summary: 'Revisions that are not rolled out again by themselves, by application',
      querystring: PageQuery,
      response: answers(200, HeldList),
    },
    handler: async ({ query, hub }) =>
      takeSorted(hub.holds(), query, {
        ...{ kind: 'hold', order: byName },
        placeOf: ({ application }) => ({ key: application, name: '' }),
      }),
  })

  app.post('/api/v1/holds/:name/release', {
    config: { policy: 'start' },
    schema: {
      operationId: 'releaseHold',
      summary: 'Let the held revision of an application be rolled out again',
      params: ByName,
      body: ActionBody,
      response: noContent('it is held no more'),
    },
    handler: async (request, reply) => {
      const { reason = '' } = request.body
      await request.hub.releaseHold(request.params.name, principalOf(request), reason)
      return reply.code(204).send()
    },
  })

  app.get('/api/v1/approvals', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listOpenGates',
      summary: 'Gates of rollouts that wait for approval now',
      querystring: PageQuery,
      response: answers(200, OpenGateList),
    },
    handler: async ({ query, hub }) =>
      takeSorted(hub.gates(), query, {
        ...{ kind: 'gate', order: byName },
        placeOf: ({ rollout, gate }) => ({ key: rollout, name: gate }),
      }),
  })

  app.get('/api/v1/drift', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listDrift',
      summary: 'What is not as it should be, by cluster and application',
      querystring: PageQuery,
      response: answers(200, DriftList),
    },
    handler: async ({ query, hub }) => {
      const [cluster, application = ''] = decodeCursor('drift', query.continue)?.split('.') ?? []
      const after = cluster === undefined ? null : ([cluster, application] as const)
      return takePage(hub.drift(after), {
        limit: query.limit ?? defaultLimit,
        kind: 'drift',
        keyOf: (row) => `${row.cluster}.${row.application}`,
      })
    },
  })

  app.get('/api/v1/applications/:name/revisions', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listRevisions',
      summary: 'What an application was rolled out at, newest first',
      params: ByName,
      querystring: PageQuery,
      response: answers(200, RevisionList),
    },
    handler: async ({ params, query, hub }) => {
      if (!(await hub.application(params.name))) {
        throw new HubError('not_found', `No application ${params.name}`)
      }
      return takeSorted(hub.revisions(params.name), query, {
        ...{ kind: 'revision', order: newestFirst },
        placeOf: ({ createdAt, rollout }) => ({ key: Date.parse(createdAt), name: rollout }),
      })
    },
  })

  app.get('/api/v1/applications/:name/commits/:commit', {
    config: { policy: 'read' },
    schema: {
      operationId: 'getCommit',
      summary: "Whether what an application's clusters are to run takes a commit into account",
      params: ByCommit,
      querystring: NoQuery,
      response: answers(200, CommitView),
    },
    handler: async ({ params: { name, commit }, hub }) => {
      if (!(await hub.application(name))) {
        throw new HubError('not_found', `No application ${name}`)
      }
      return { commit, repository: null, revision: null, ...(await hub.commit(name, commit)) }
    },
  })

  app.get('/api/v1/windows', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listWindows',
      summary: 'When rollouts may or may not move: windows of Projects, ClusterGroups and Clusters',
      querystring: PageQuery,
      response: answers(200, WindowList),
    },
    handler: async ({ query: { limit = defaultLimit, continue: after }, hub }) => {
      const from = Number.parseInt(decodeCursor('window', after) ?? '', 10) || 0
      return takePage(hub.windows(from), {
        ...{ limit, kind: 'window' },
        keyOf: () => String(from + limit),
      })
    },
  })

  app.get('/api/v1/policies', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listPolicies',
      summary: 'What is judged by, at the newest commit',
      querystring: PageQuery,
      response: answers(200, PolicyList),
    },
    handler: async ({ query, hub }) =>
      takeSorted(hub.policies(), query, {
        ...{ kind: 'policy', order: byName },
        placeOf: ({ name }) => ({ key: name, name: '' }),
      }),
  })

  app.get('/api/v1/audit', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listAudit',
      summary: 'Lines of the ledger after an index, or the newest; oldest first',
      querystring: AuditQuery,
      response: answers(200, AuditList),
    },
    handler: async ({ query: { after = null, limit = defaultLimit }, hub }) => {
      const page = await takePage(hub.audit(after), {
        limit,
        kind: 'audit',
        keyOf: (entry) => String(entry.index),
      })
      const last = page.items.at(-1)?.index ?? null
      return { items: page.items, next: page.continue === null ? null : last }
    },
  })
}
