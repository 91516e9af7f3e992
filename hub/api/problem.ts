import { type Static, Type } from 'typebox'
import { type Fault, HubError, type HubErrorCode } from '../errors.ts'
import type { Frozen } from './views.ts'

/* RFC 9457: every error of the API is one of these. */

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: 'the request id, as in the log' }),
    code: Type.String({ description: 'closed list; what a program should look at' }),
    errors: Type.Array(
      Type.Object({
        pointer: Type.Optional(Type.String({ description: 'JSON Pointer into the request' })),
        file: Type.Optional(Type.String()),
        line: Type.Optional(Type.Integer()),
        column: Type.Optional(Type.Integer()),
        object: Type.Optional(Type.String()),
        cluster: Type.Optional(Type.String()),
        message: Type.String(),
      }),
      { description: 'every fault found' },
    ),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details.' },
)
export type Problem = Frozen<Static<typeof Problem>>

/** Faults of the request itself that only HTTP knows. */
export type RequestCode =
  | 'precondition_failed'
  | 'method_not_allowed'
  | 'too_large'
  | 'media_type_unsupported'
  | 'too_many_streams'
  | 'too_many_requests'

/** A refusal by the API itself. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestCode | 'invalid'
  readonly errors: Problem['errors']
  constructor(code: RequestCode | 'invalid', message: string, errors: Problem['errors'] = []) {
    super(message)
    this.code = code
    this.errors = errors
  }
}

type Code = HubErrorCode | RequestCode

const table: Readonly<Record<Code, readonly [status: number, title: string]>> = {
  invalid: [400, 'The request is not valid'],
  unauthenticated: [401, 'A valid bearer token is needed'],
  busy: [429, 'Too many at once'],
  token_refused: [401, 'The token was refused'],
  forbidden: [403, 'Your role does not allow this'],
  identity_refused: [403, 'The identity was refused'],
  identity_barred: [403, 'The identity is barred'],
  not_found: [404, 'Not found'],
  revision_not_found: [404, 'No such revision'],
  method_not_allowed: [405, 'This cannot be done to it'],
  conflict: [409, 'The current state does not allow this'],
  precondition_failed: [412, 'It changed since you read it'],
  too_large: [413, 'The body is too large'],
  media_type_unsupported: [415, 'The content type is not supported'],
  fleet_invalid: [422, 'The fleet repository has faults'],
  source_refused: [422, 'The source was refused'],
  forge_refused: [422, 'The Git host refused'],
  notification_failed: [422, 'A notification could not be sent'],
  render_failed: [422, 'The application does not render'],
  policy_denied: [422, 'A policy does not allow it'],
  policy_failed: [422, 'A policy could not be judged'],
  plan_invalid: [422, 'No rollout can be planned'],
  root_behind: [409, 'The root statement here is older than the one an agent follows'],
  root_refused: [422, 'The root statement was refused'],
  approval_refused: [422, 'The approval was refused'],
  sign_unattested: [422, 'The signer refused content that the renderer did not attest'],
  sign_forbidden: [422, "The signer's policy does not allow it"],
  sign_removal: [422, 'The signer refused a removal that Git does not ask for'],
  sign_identity: [422, 'The signer knows this cluster as another'],
  sign_sequence: [422, 'The signer refused a jump of the sequence'],
  too_many_requests: [429, 'Too many requests'],
  too_many_streams: [429, 'Too many event streams'],
  config_invalid: [500, 'The hub is not configured rightly'],
  ledger_corrupt: [500, 'The ledger is damaged'],
  ledger_newer: [500, 'The ledger is of a newer version'],
  data_newer: [500, 'What the hub keeps is of a newer version'],
  ledger_diverged: [500, 'The ledger differs from that of the other replicas'],
  internal: [500, 'The hub failed'],
  not_ready: [503, 'The hub has not read everything yet'],
  source_unreachable: [503, 'The source cannot be reached'],
  forge_unreachable: [503, 'The Git host cannot be reached'],
  gate_unreachable: [503, 'What a gate asks cannot be reached'],
  engine_unavailable: [503, 'The render engine is not available'],
  redis_refused: [503, 'Redis refused'],
  redis_unavailable: [503, 'Redis cannot be reached'],
  ledger_unwritable: [503, 'The ledger cannot be written'],
  no_leader: [503, 'No hub leads right now'],
  issuer_unavailable: [503, 'The identity provider cannot be reached'],
  signer_unavailable: [503, 'The signer cannot be reached'],
  renderer_unavailable: [503, 'The renderer cannot be reached'],
  content_missing: [503, 'Content is being rebuilt'],
  render_timeout: [504, 'Rendering took too long'],
}

/** Any error → what the client is told. What it must not see stays in the log. */
export function toProblem(error: unknown, instance: string): Problem {
  const { code, detail, errors } = explain(error)
  const [status, title] = table[code]
  const type = `https://groundswell.dev/problems/${code.replaceAll('_', '-')}`
  return { type, title, status, detail, instance, code, errors }
}

function explain(error: unknown): { code: Code; detail: string; errors: Problem['errors'] } {
  if (error instanceof RequestError) {
    return { code: error.code, detail: error.message, errors: error.errors }
  }
  if (error instanceof HubError) {
    if (table[error.code][0] === 500) return hidden(error.code)
    return { code: error.code, detail: error.message, errors: error.faults.map(copyFault) }
  }
  const status = statusOf(error)
  const detail = error instanceof Error ? error.message : ''
  if (status === 413) return { code: 'too_large', detail, errors: [] }
  if (status === 415) {
    const words = 'Send a body as JSON, with `Content-Type: application/json`'
    return { code: 'media_type_unsupported', detail: words, errors: [] }
  }
  if (status === 404) return { code: 'not_found', detail: 'No such resource', errors: [] }
  if (status >= 400 && status < 500) return { code: 'invalid', detail, errors: [] }
  return hidden('internal')
}

function hidden(code: Code): { code: Code; detail: string; errors: Problem['errors'] } {
  return { code, detail: "The hub's log says why, under this request id", errors: [] }
}

/** Named members only: whatever else a fault carries is not for the client. */
function copyFault(fault: Fault): Problem['errors'][number] {
  const { file, line, column, object, cluster, message } = fault
  return {
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
    ...(object !== undefined && { object }),
    ...(cluster !== undefined && { cluster }),
    message,
  }
}

/** Fastify puts the status on its errors. */
function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500
  return typeof error.statusCode === 'number' ? error.statusCode : 500
}
