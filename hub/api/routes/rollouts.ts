import type { FastifyRequest } from 'fastify'
import { HubError } from '../../errors.ts'
import type { RolloutPlan, RolloutRun } from '../../rollout/rollout.ts'
import { principalOf } from '../auth.ts'
import type { Api } from '../http.ts'
import type { Hub, OperatorAction } from '../hub.ts'
import { decodeCursor, defaultLimit, sendFields, takePage } from '../page.ts'
import { PlanBody, PlannedView } from '../plan-view.ts'
import { RequestError } from '../problem.ts'
import {
  type RolloutRecord,
  RolloutClusterView,
  RolloutSummary,
  RolloutView,
  listRolloutClusters,
  summarizeRollout,
  viewRollout,
} from '../rollout-view.ts'
import {
  ActionBody,
  answers,
  ByRollout,
  FieldsQuery,
  GateBody,
  RolloutClusterList,
  RolloutClustersQuery,
  RolloutList,
  RolloutPreviewQuery,
  RolloutsQuery,
  SkipBody,
  StartBody,
} from '../schemas.ts'

const gateActions = {
  approve: 'Approve the gate it waits at',
  promote: 'Open the gates it waits at that are no approvals',
} as const
const simpleActions = {
  start: 'Start a planned rollout',
  pause: 'Offer nothing more',
  resume: 'Go on',
  abort: 'End it; what was offered stays',
  rollback: 'Give back what ran before, and hold the revision',
  retry: 'Try the failed clusters again',
} as const satisfies Record<
  Exclude<OperatorAction['kind'], 'skip' | keyof typeof gateActions>,
  string
>

export function addRolloutRoutes(app: Api): void {
  app.get('/api/v1/rollouts', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listRollouts',
      summary: 'Rollouts, newest first',
      querystring: RolloutsQuery,
      response: answers(200, RolloutList),
    },
    handler: async ({ query, hub }, reply) => {
      const { application = null, active = null, sort } = query
      const oldestFirst = sort === 'createdAt'
      const kind = oldestFirst ? 'rollout/createdAt' : 'rollout'
      const after = decodeCursor(kind, query.continue)
      const page = await takePage(hub.rollouts({ application, active, oldestFirst, after }), {
        ...{ limit: query.limit ?? defaultLimit, kind },
        keyOf: (record) => record.plan.id,
      })
      const items = page.items.map(summarizeRollout)
      return sendFields(reply, { ...page, items }, query.fields, RolloutSummary)
    },
  })

  app.get('/api/v1/rollouts/:id', {
    config: { policy: 'read', etag: true },
    schema: {
      operationId: 'getRollout',
      summary: 'One rollout: its plan and where each cluster is',
      params: ByRollout,
      querystring: FieldsQuery,
      response: answers(200, RolloutView),
    },
    handler: async ({ params, query, hub }, reply) => {
      const record = await findRollout(hub, params.id)
      void reply.header('etag', record.run.version)
      return sendFields(reply, viewRollout(record), query.fields, RolloutView)
    },
  })

  app.get('/api/v1/rollouts/:id/clusters', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listRolloutClusters',
      summary: 'Where the clusters of a rollout are, wave by wave',
      params: ByRollout,
      querystring: RolloutClustersQuery,
      response: answers(200, RolloutClusterList),
    },
    handler: async ({ params, query, hub }, reply) => {
      const record = await findRollout(hub, params.id)
      const after = decodeCursor('rollout-cluster', query.continue)
      const page = await takePage(startAfter(listRolloutClusters(record), after), {
        ...{ limit: query.limit ?? defaultLimit, kind: 'rollout-cluster' },
        keyOf: ({ name }) => name,
        keep: ({ wave, state, outcome }) =>
          (query.wave === undefined || wave === query.wave) &&
          (query.state === undefined || state === query.state) &&
          (query.outcome === undefined || outcome === query.outcome),
      })
      return sendFields(reply, page, query.fields, RolloutClusterView)
    },
  })

  app.get('/api/v1/rollouts/:id/preview', {
    config: { policy: 'plan' },
    schema: {
      operationId: 'previewRollout',
      summary: 'What is left of a rollout, or what undoing it would change; moves nothing',
      params: ByRollout,
      querystring: RolloutPreviewQuery,
      response: answers(200, PlannedView),
    },
    handler: async ({ params, query, hub }) => {
      const { plan, run, ...preview } = await hub.previewRollout(params.id, {
        back: query.back === true,
      })
      const rollout = viewRollout({ plan, run: run ?? unstarted(plan), waitingFor: [] })
      return { application: plan.application, rollout, ...preview }
    },
  })

  // Two colons stand for one: it is no parameter.
  app.post('/api/v1/rollouts::plan', {
    config: { policy: 'plan' },
    schema: {
      operationId: 'planRollout',
      summary: 'What would roll out now, and what it would change; starts nothing',
      description: 'To ask live clusters takes the right to start rollouts of the application.',
      body: PlanBody,
      response: answers(200, PlannedView),
    },
    handler: async ({ body: { application, live = false }, hub }) => {
      const planned = await hub.planRollout(application, { live })
      if (!planned) {
        return {
          ...{ application, rollout: null, changes: null },
          policy: [],
          estimate: null,
          live: null,
        }
      }
      const { plan, run, ...preview } = planned
      const rollout = viewRollout({ plan, run: run ?? unstarted(plan), waitingFor: [] })
      return { application, rollout, ...preview }
    },
  })

  app.post('/api/v1/rollouts', {
    config: { policy: 'start' },
    schema: {
      operationId: 'startRollout',
      summary: 'Roll out what Git asks of an application now',
      body: StartBody,
      response: answers(201, RolloutView),
    },
    handler: async (request, reply) => {
      const { application, reason = '' } = request.body
      const record = await request.hub.startRollout(application, principalOf(request), reason)
      return reply
        .code(201)
        .header('location', `/api/v1/rollouts/${record.plan.id}`)
        .send(viewRollout(record))
    },
  })

  for (const [kind, summary] of entriesOf(simpleActions)) {
    app.post(`/api/v1/rollouts/:id/${kind}`, {
      config: { policy: kind },
      schema: {
        operationId: `${kind}${kind === 'start' ? 'Planned' : ''}Rollout`,
        summary,
        description: ifMatchNote,
        params: ByRollout,
        body: ActionBody,
        response: answers(200, RolloutView),
      },
      handler: async (request) => act(request, { kind }),
    })
  }

  for (const [kind, summary] of entriesOf(gateActions)) {
    app.post(`/api/v1/rollouts/:id/${kind}`, {
      config: { policy: kind },
      schema: {
        operationId: `${kind}Rollout`,
        summary,
        description: `${ifMatchNote} With \`at\` it opens that gate or none.`,
        params: ByRollout,
        body: GateBody,
        response: answers(200, RolloutView),
      },
      handler: async (request) => {
        const { at } = request.body
        return act(request, { kind, ...(at && { at }) })
      },
    })
  }

  app.post('/api/v1/rollouts/:id/skip', {
    config: { policy: 'skip' },
    schema: {
      operationId: 'skipCluster',
      summary: 'Go on without a cluster',
      description: ifMatchNote,
      params: ByRollout,
      body: SkipBody,
      response: answers(200, RolloutView),
    },
    handler: async (request) => act(request, { kind: 'skip', cluster: request.body.cluster }),
  })
}

/** A plan is frozen, so the cluster that a page ended with is where it was. */
function* startAfter<T extends { readonly name: string }>(all: Iterable<T>, after: string | null) {
  let found = after === null
  for (const one of all) {
    if (found) yield one
    else found = one.name === after
  }
}

function entriesOf<T extends object>(record: T) {
  return Object.entries(record) as [keyof T, T[keyof T]][]
}

const ifMatchNote =
  'With If-Match (the ETag, or `"<version>"`) it is refused with 412 when the rollout has moved since.'

/** What all that people may do to a rollout is asked for by. */
type ActionRequest = FastifyRequest & {
  readonly params: { readonly id: string }
  readonly body: { readonly reason?: string }
}

async function act(request: ActionRequest, action: OperatorAction) {
  const { hub, params, body, headers } = request
  const { id } = params
  const ifMatch = headers['if-match']
  const version = ifMatch === undefined ? undefined : parseIfMatch(ifMatch)
  await needVersion(hub, id, version)
  try {
    const by = principalOf(request)
    return viewRollout(await hub.actOnRollout(id, action, by, body.reason ?? '', version))
  } catch (error) {
    // It may have moved while this waited for its turn.
    if (error instanceof HubError && error.code === 'conflict') await needVersion(hub, id, version)
    throw error
  }
}

async function needVersion(hub: Hub, id: string, version: number | undefined): Promise<void> {
  if (version === undefined) return
  const { run } = await findRollout(hub, id)
  if (run.version === version) return
  throw new RequestError('precondition_failed', `The rollout is at version ${run.version}`)
}

async function findRollout(hub: Hub, id: string): Promise<RolloutRecord> {
  const record = await hub.rollout(id)
  if (!record) throw new HubError('not_found', `No rollout ${id}`)
  return record
}

/** Our ETags start with the version; `*` asks only that the rollout exists, which acting does. */
function parseIfMatch(header: string): number | undefined {
  if (header.trim() === '*') return undefined
  const match = /^"(\d{1,15})(\.[0-9a-f]+)?"$/.exec(header.trim())
  if (!match) throw new HubError('invalid', 'If-Match: not one ETag of a rollout')
  return Number(match[1])
}

/** How a plan looks before anything has happened to it. */
function unstarted(plan: RolloutPlan): RolloutRun {
  return {
    id: plan.id,
    version: 0,
    phase: 'Planned',
    wave: 0,
    waveStartedAt: null,
    approvals: [],
    gates: {},
    clusters: {},
    startedAt: null,
    finishedAt: null,
    message: 'Planned; nothing has started',
  }
}
