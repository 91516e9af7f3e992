import type { VisitedRef } from '../../source/visit.ts'
import type { Api } from '../http.ts'
import { ProposalBody, ProposalView } from '../proposal-view.ts'
import { PullRequestList } from '../pull-request-view.ts'
import { RequestError } from '../problem.ts'
import { answers, NoQuery } from '../schemas.ts'

/** Changes to the fleet repository before they are merged. */
export function addProposalRoutes(app: Api): void {
  // Two colons stand for one: it is no parameter.
  app.post('/api/v1/fleet::plan', {
    // It tells of the whole fleet.
    config: { policy: 'viewer' },
    schema: {
      operationId: 'planFleet',
      summary: 'What a branch, commit or pull request would change; merges and starts nothing',
      body: ProposalBody,
      response: answers(200, ProposalView),
    },
    handler: ({ body, hub }) => hub.propose(toRef(body)),
  })

  app.get('/api/v1/pull-requests', {
    config: { policy: 'viewer', etag: true },
    schema: {
      operationId: 'listPullRequests',
      summary: 'Open pull or merge requests of the fleet repository, as its Git host tells them',
      querystring: NoQuery,
      response: answers(200, PullRequestList),
    },
    handler: ({ hub }) => hub.pullRequests(),
  })
}

function toRef({ branch, commit, pullRequest }: Partial<Record<string, unknown>>): VisitedRef {
  if (typeof branch === 'string') return { branch }
  if (typeof commit === 'string') return { commit }
  if (typeof pullRequest === 'number') return { pullRequest }
  throw new RequestError('invalid', 'one of branch, commit and pullRequest is needed')
}
