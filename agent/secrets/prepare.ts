import type { Body } from '../apply/write/body.ts'
import type { OpenObject } from './open.ts'
import type { Resolved, References } from './references.ts'

/**
 * Makes an object of Git ready to be applied to a namespace, in memory only: decrypted, or with the
 * values that its references name.
 *
 * @throws AgentError `secret_*`, `outside_scope`, `vault_unavailable`; none quotes a value
 */
export type PrepareObject = (
  body: Body,
  namespace: string,
  signal: AbortSignal,
) => Promise<Resolved>

/** What SOPS encrypted holds values; one that looks like a reference stays what it is. */
export function createPrepareObject(open: OpenObject, references: References): PrepareObject {
  return async (body, namespace, signal) =>
    body['sops'] === undefined
      ? references.resolve(body, namespace, signal)
      : { body: await open(body), versions: '' }
}
