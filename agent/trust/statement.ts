import * as approval from '@groundswell/proto/approval.ts'
import * as freshness from '@groundswell/proto/freshness.ts'
import * as root from '@groundswell/proto/root.ts'
import * as snapshot from '@groundswell/proto/snapshot.ts'
import { StatementError } from '@groundswell/proto/statement-shape.ts'
import { AgentError, type AgentErrorCode } from '../errors.ts'

/* Payloads that were signed → statements. What is wrong with one gets the code of its kind. */

/** @throws AgentError `statement_malformed` naming the member */
export const parseSnapshot = withCode('statement_malformed', snapshot.parseSnapshot)

/** @throws AgentError `root_malformed` naming the member */
export const parseRoot = withCode('root_malformed', root.parseRoot)

/** @throws AgentError `approval_invalid` naming the member */
export const parseApproval = withCode('approval_invalid', approval.parseApproval)

/** @throws AgentError `freshness_invalid` naming the member */
export const parseFreshness = withCode('freshness_invalid', freshness.parseFreshness)

function withCode<T>(
  code: AgentErrorCode,
  parse: (payload: Uint8Array) => T,
): (payload: Uint8Array) => T {
  return (payload) => {
    try {
      return parse(payload)
    } catch (error) {
      if (!(error instanceof StatementError)) throw error
      throw new AgentError(code, error.message, { cause: error })
    }
  }
}
