import type { Api, ApiOptions } from '../http.ts'
import { answers } from '../schemas.ts'
import { SupportView } from '../support-view.ts'

/** What a support bundle needs to know of the process itself. */
export function addSupportRoutes(app: Api, { support }: ApiOptions): void {
  if (!support) return
  app.get('/api/v1/support', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'getSupport',
      summary: 'Version, settings, metrics and newest lines of the log, without secrets',
      response: answers(200, SupportView),
    },
    handler: async () => support(),
  })
}
