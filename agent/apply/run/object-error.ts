import { AgentError } from '../../errors.ts'
import type { ObjectError } from '../../observe/status.ts'

/** What is shown of a failure with one object; empty `object` when it is the whole application's. */
export function toObjectError(object: string, file: string, error: unknown): ObjectError {
  return {
    object,
    file,
    code: error instanceof AgentError ? error.code : 'internal',
    message: error instanceof Error ? error.message : String(error),
  }
}
