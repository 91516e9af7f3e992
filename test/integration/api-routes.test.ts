import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { MadeApiTokenView, WhoView } from '../../hub/api/access-view.ts'
import { FactsView } from '../../hub/api/facts-view.ts'
import { ImageList } from '../../hub/api/image-view.ts'
import { ObjectsView } from '../../hub/api/objects-view.ts'
import { ReceiptResultsView } from '../../hub/api/receipt-view.ts'
import { MatrixView } from '../../hub/api/matrix-view.ts'
import { Problem } from '../../hub/api/problem.ts'
import { PullRequestList } from '../../hub/api/pull-request-view.ts'
import { SourceView } from '../../hub/api/source-view.ts'
import { RolloutView } from '../../hub/api/rollout-view.ts'
import { PlannedView } from '../../hub/api/plan-view.ts'
import { ProposalView } from '../../hub/api/proposal-view.ts'
import * as schemas from '../../hub/api/schemas.ts'
import { SupportView } from '../../hub/api/support-view.ts'
import { CommitView, SummaryView } from '../../hub/api/survey-view.ts'
import * as views from '../../hub/api/views.ts'
import { DryRunView } from '../../hub/api/dry-run-view.ts'
import { startApi, type tokens } from '../support/api.ts'

type Role = keyof typeof tokens
interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly role: Role
  readonly status?: number
  readonly body?: Record<string, unknown>
  /** The same with a name that does not exist; none where nothing is named. */
  readonly missing?: string | Record<string, unknown>
  readonly schema: TSchema
}
const get = (url: string, schema: Route['schema'], missing?: string): Route => ({
  method: 'GET',
  url: `/api/v1/${url}`,
  role: 'viewer',
  schema,
  ...(missing !== undefined && { missing: `/api/v1/${missing}` }),
})
const act = (kind: string, body: Record<string, unknown> = { reason: 'because' }): Route => ({
  method: 'POST',
  url: `/api/v1/rollouts/r-1/${kind}`,
  role: 'operator',
  body,
  missing: `/api/v1/rollouts/r-9/${kind}`,
  schema: RolloutView,
})

const routes: Route[] = [
  get('clusters', schemas.ClusterList),
  get('clusters/lab', views.ClusterView, 'clusters/nope'),
  get(
    'clusters/lab/applications/shop/objects',
    ObjectsView,
    'clusters/lab/applications/nope/objects',
  ),
  get('clusters/lab/receipts', schemas.ReceiptList, 'clusters/nope/receipts'),
  get('clusters/lab/receipts/3.0', ReceiptResultsView, 'clusters/lab/receipts/9.0'),
  get('applications/shop/images', ImageList, 'applications/nope/images'),
  get('matrix', MatrixView),
  get('matrix?clusters=lab,nope', MatrixView),
  get('groups', schemas.GroupList),
  get('groups/prod', views.GroupView, 'groups/nope'),
  get('applications', schemas.ApplicationList),
  get('applications/shop', views.ApplicationView, 'applications/nope'),
  get('applications/shop/diff', views.DiffView, 'applications/nope/diff'),
  get('rollouts', schemas.RolloutList),
  get('rollouts/r-1', RolloutView, 'rollouts/r-9'),
  get('rollouts/r-1/clusters', schemas.RolloutClusterList, 'rollouts/r-9/clusters'),
  get('rollouts/r-1/preview', PlannedView, 'rollouts/r-9/preview'),
  get('rollouts/r-1/preview?back=true', PlannedView, 'rollouts/r-9/preview?back=true'),
  get('fleet', views.FleetView),
  get('sources', schemas.SourceList),
  get('pull-requests', PullRequestList),
  get('sources/fleet', SourceView, 'sources/nope'),
  get('events', schemas.EventList),
  get('version', schemas.VersionView),
  get('facts', FactsView),
  get('whoami', WhoView),
  get('summary', SummaryView),
  get('holds', schemas.HeldList),
  get('approvals', schemas.OpenGateList),
  get('drift', schemas.DriftList),
  get('windows', schemas.WindowList),
  get('policies', schemas.PolicyList),
  get('audit', schemas.AuditList),
  get('applications/shop/revisions', schemas.RevisionList, 'applications/nope/revisions'),
  get(
    `applications/shop/commits/${'a'.repeat(40)}`,
    CommitView,
    `applications/nope/commits/${'a'.repeat(40)}`,
  ),
  { ...get('tokens', schemas.ApiTokenList), role: 'admin' },
  {
    method: 'POST',
    url: '/api/v1/tokens',
    role: 'admin',
    status: 201,
    body: { name: 'ci', role: 'viewer' },
    schema: MadeApiTokenView,
  },
  {
    method: 'POST',
    url: '/api/v1/fleet:plan',
    role: 'viewer',
    body: { branch: 'feature' },
    schema: ProposalView,
  },
  {
    method: 'POST',
    url: '/api/v1/rollouts:plan',
    role: 'viewer',
    body: { application: 'shop' },
    missing: { application: 'nope' },
    schema: PlannedView,
  },
  ...['start', 'approve', 'promote', 'pause', 'resume', 'abort', 'rollback', 'retry'].map((kind) =>
    act(kind),
  ),
  act('skip', { cluster: 'lab' }),
  {
    method: 'POST',
    url: '/api/v1/clusters/lab/dry-runs',
    role: 'operator',
    body: {
      application: 'shop',
      objects: [{ id: '/ConfigMap/shop/a', apiVersion: 'v1', json: '{}' }],
    },
    missing: '/api/v1/clusters/nope/dry-runs',
    schema: DryRunView,
  },
  {
    method: 'POST',
    url: '/api/v1/clusters/lab/tokens',
    role: 'admin',
    status: 201,
    body: { ttl: '2h' },
    missing: '/api/v1/clusters/nope/tokens',
    schema: views.TokenView,
  },
  get('pending-clusters', schemas.PendingList),
  { method: 'GET', url: '/api/v1/support', role: 'admin', schema: SupportView },
  get('authorities', schemas.AuthorityList),
  {
    method: 'POST',
    url: '/api/v1/clusters/lab/approve',
    role: 'admin',
    body: { fingerprint: '0123-4567-89ab-cdef-0123-4567-89ab-cdef' },
    missing: '/api/v1/clusters/nope/approve',
    schema: views.ClusterView,
  },
  ...(['unlock', 'recover'] as const).map((action) => ({
    method: 'POST' as const,
    url: `/api/v1/clusters/lab/${action}`,
    role: 'admin' as const,
    body: { reason: 'looked at' },
    missing: `/api/v1/clusters/nope/${action}`,
    schema: views.ClusterView,
  })),
  {
    method: 'POST',
    url: '/api/v1/clusters/lab/revoke',
    role: 'admin',
    body: { reason: 'lost' },
    missing: '/api/v1/clusters/nope/revoke',
    schema: views.ClusterView,
  },
]
const lesser: Record<Role, Role | undefined> = {
  viewer: undefined,
  operator: 'viewer',
  admin: 'operator',
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const problem = Compile(Problem)

function assertProblem(
  response: { statusCode: number; headers: Record<string, unknown>; body: string },
  status: number,
  code: string,
) {
  assert.equal(response.statusCode, status, response.body)
  assert.match(String(response.headers['content-type']), /^application\/problem\+json/)
  const value: unknown = JSON.parse(response.body)
  assert(problem.Check(value), response.body)
  assert.deepEqual([value.status, value.code], [status, code])
  return value
}

for (const route of routes) {
  const { method, url, role, body, schema } = route
  const payload = body && { payload: body }
  describe(`${method} ${url}`, () => {
    it('answers in the shape it documents', async () => {
      await using test = await startApi()
      const headers = bearer(role)
      const response = await test.api.inject({ method, url, headers, ...payload })
      assert.equal(response.statusCode, route.status ?? 200, response.body)
      assert.deepEqual(Compile(schema).Errors(response.json()), [])
      assert.match(String(response.headers['x-request-id']), /^[0-9a-f-]{36}$/)
    })

    it('wants a token that holds, and acts on none without', async () => {
      await using test = await startApi()
      for (const headers of [{}, bearer('forged'), bearer(''), { authorization: 'Basic eA==' }]) {
        const response = await test.api.inject({ method, url, headers, ...payload })
        assertProblem(response, 401, 'unauthenticated')
        assert.match(String(response.headers['www-authenticate']), /^Bearer/)
      }
      assert.deepEqual(test.hub.actions, [])
    })

    const less = lesser[role]
    if (less !== undefined)
      it(`is refused to a ${less}, alike for what exists and what does not`, async () => {
        await using test = await startApi()
        const details = []
        for (const target of [url, route.missing]) {
          const at = typeof target === 'string' ? target : url
          const response = await test.api.inject({
            method,
            url: at,
            headers: bearer(less),
            ...payload,
          })
          details.push(assertProblem(response, 403, 'forbidden').detail)
        }
        assert.equal(details[0], details[1])
        assert.deepEqual(test.hub.actions, [])
      })

    const { missing } = route
    if (missing !== undefined)
      it('says 404 for what does not exist', async () => {
        await using test = await startApi()
        const asked =
          typeof missing === 'string'
            ? { method, url: missing, ...payload }
            : { method, url, payload: missing }
        const response = await test.api.inject({ ...asked, headers: bearer(role) })
        assertProblem(response, 404, 'not_found')
      })

    if (method === 'GET') {
      if (/(clusters|groups|applications|rollouts|sources|events|diff)$/.test(url))
        it('refuses a query it does not know', async () => {
          await using test = await startApi()
          const at = `${url}?typo=1`
          const response = await test.api.inject({ method, url: at, headers: bearer(role) })
          assert.match(assertProblem(response, 400, 'invalid').detail, /typo/)
        })
    } else
      it('refuses every body but the one it documents', async () => {
        await using test = await startApi()
        const bad: (object | string)[] = [
          { ...body, typo: true },
          { ...body, name: 7, reason: 7, ttl: 7, cluster: 7, application: 7 },
          [],
          '"text"',
          'null',
          '{',
          `{"__proto__":{"x":1},"reason":"x"}`,
          '['.repeat(10_000),
        ]
        for (const payload of bad) {
          const response = await test.api.inject({
            method,
            url,
            headers: { ...bearer(role), 'content-type': 'application/json' },
            payload,
          })
          assertProblem(response, 400, 'invalid')
        }
        assert.deepEqual(test.hub.actions, [])
      })
  })
}

describe('every route that OpenAPI lists', () => {
  it('is in the table above, or public, a stream or a scrape', async () => {
    await using test = await startApi()
    const { paths } = test.api.swagger() as { paths: Record<string, object> }
    const listed = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const tested = new Set(
      routes.map(({ method, url }) => {
        const path = url
          .replace(/clusters\/lab/, 'clusters/{name}')
          .replace(/applications\/shop\/objects/, 'applications/{application}/objects')
          .replace(/applications\/shop/, 'applications/{name}')
          .replace(/commits\/a+/, 'commits/{commit}')
          .replace('groups/prod', 'groups/{name}')
          .replace('sources/fleet', 'sources/{name}')
          .replace(/receipts\/3\.0|r-1/, (found) => (found === 'r-1' ? '{id}' : 'receipts/{id}'))
        return `${method} ${path}`
      }),
    )
    assert.deepEqual(listed.filter((one) => !tested.has(one)).toSorted(), [
      'DELETE /api/v1/tokens/{id}',
      'GET /api/v1/events/stream',
      'GET /api/v1/login',
      'GET /healthz',
      'GET /livez',
      'GET /metrics',
      'GET /readyz',
      'POST /api/v1/holds/{name}/release',
      'POST /api/v1/rollouts',
      'POST /api/v1/webhooks/{name}',
    ])
  })
})
