import { DryRunBody, DryRunView } from '../dry-run-view.ts'
import type { Api } from '../http.ts'
import { answers, ByName } from '../schemas.ts'

/** Objects of 1 MiB as JSON strings, quoted. */
const bodyLimit = 3 * 1024 * 1024

/** What live clusters would say, before anything is merged. */
export function addDryRunRoutes(app: Api): void {
  app.post('/api/v1/clusters/:name/dry-runs', {
    bodyLimit,
    config: { policy: 'operator' },
    schema: {
      operationId: 'dryRun',
      summary: 'Ask a cluster what it would say to some objects; nothing is written',
      params: ByName,
      body: DryRunBody,
      response: answers(200, DryRunView),
    },
    handler: ({ params, body, hub }) => hub.dryRun(params.name, body),
  })
}
