import { type ObjectId, describeObject } from '@groundswell/proto/object-id.ts'
import { AgentError, type AgentErrorCode, RefusedError } from '../errors.ts'
import type { Answer } from './http.ts'

interface Status {
  readonly message?: string
  readonly reason?: string
  readonly details?: {
    readonly kind?: string
    readonly causes?: readonly { readonly field?: string; readonly message?: string }[]
  }
}

const messageLimit = 1_000

/** An API server's refusal of a server-side apply, as the error the hub shows. */
export function applyFault(id: ObjectId, answer: Answer, asWhom = ''): AgentError {
  const code = applyCode(answer)
  if (code !== 'apply_invalid') return new AgentError(code, asWhom + describe(id, answer))
  const causes = statusOf(answer).details?.causes ?? []
  return new RefusedError(
    asWhom + describe(id, answer),
    causes.map(({ field = '', message = '' }) => ({ field, message })),
  )
}

/** An API server's refusal of a delete. */
export function pruneFault(id: ObjectId, answer: Answer, asWhom = ''): AgentError {
  return new AgentError(pruneCode(answer), asWhom + describe(id, answer))
}

function pruneCode({ status }: Answer): AgentErrorCode {
  if (status === 401 || status === 403) return 'prune_refused'
  return isAway(status) ? 'cluster_unreachable' : 'prune_failed'
}

/** Whether the server, or one behind it, is too busy or not there: that says nothing of what it was asked for. */
function isAway(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

/** Of a 404: the object, or its namespace, is missing. A path that is not served says nothing of the kind. */
export function isAboutObject(answer: Answer): boolean {
  return statusOf(answer).details?.kind !== undefined
}

/** An API server's refusal of a read. */
export function readFault(what: string, answer: Answer): AgentError {
  const refused = answer.status === 401 || answer.status === 403
  return new AgentError(
    refused ? 'apply_forbidden' : 'cluster_unreachable',
    `${what}: ${statusOf(answer).message ?? `HTTP ${answer.status}`}`.slice(0, messageLimit),
  )
}

function applyCode(answer: Answer): AgentErrorCode {
  switch (answer.status) {
    case 400:
    case 413:
    case 422:
      return 'apply_invalid'
    case 401:
    case 403:
      return 'apply_forbidden'
    case 404:
      return isAboutObject(answer) ? 'apply_failed' : 'kind_unknown'
    case 409:
      return 'apply_conflict'
    default:
      if (isAway(answer.status)) return 'cluster_unreachable'
      // An unknown field in a server-side apply is answered with a 500.
      return /failed to create typed patch object/.test(statusOf(answer).message ?? '')
        ? 'apply_invalid'
        : 'apply_failed'
  }
}

function describe(id: ObjectId, answer: Answer): string {
  const status = statusOf(answer)
  // The API server quotes the values it refuses, and a Secret's must not leave the cluster.
  const said =
    id.kind === 'Secret'
      ? [
          status.reason ?? `HTTP ${answer.status}`,
          ...(status.details?.causes ?? []).map((cause) => cause.field ?? ''),
        ].join(' ')
      : (status.message ?? (answer.body || `HTTP ${answer.status}`))
  return `${describeObject(id)}: ${said}`.slice(0, messageLimit)
}

function statusOf(answer: Answer): Status {
  try {
    const value: unknown = JSON.parse(answer.body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
