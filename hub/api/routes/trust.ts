import { principalOf } from '../auth.ts'
import type { Api } from '../http.ts'
import type { TrustDesk } from '../hub.ts'
import { EnvelopeBody, answers } from '../schemas.ts'
import { ApprovalView, TrustView } from '../views.ts'

/** Root statements and approvals. They carry their own signatures: the hub only takes in what agents will. */
export function addTrustRoutes(app: Api, desk: TrustDesk): void {
  app.get('/api/v1/trust/roots', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'getTrust',
      summary: 'The newest root statement, and the envelopes of all',
      response: answers(200, TrustView),
    },
    handler: () => desk.show(),
  })

  app.post('/api/v1/trust/roots', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'publishRoot',
      summary: 'Publish the root statement that follows the newest; agents get it at once',
      body: EnvelopeBody,
      response: answers(200, TrustView),
    },
    handler: (request) =>
      desk.publish(Buffer.from(request.body.envelope, 'base64'), principalOf(request)),
  })

  app.post('/api/v1/trust/approvals', {
    config: { policy: 'admin' },
    schema: {
      operationId: 'recordApproval',
      summary: "Record an approver's statement; it is sent along with what it approves",
      body: EnvelopeBody,
      response: answers(201, ApprovalView),
    },
    handler: async (request, reply) => {
      const envelope = Buffer.from(request.body.envelope, 'base64')
      return reply.code(201).send(await desk.approve(envelope, principalOf(request)))
    },
  })
}
