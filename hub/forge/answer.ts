import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'
import type { ForgeAnswer } from './forge.ts'

/**
 * @throws HubError `forge_refused` with what the host says, and what to do about it;
 *   `forge_unreachable` when it failed to answer
 */
export function expectOk({ status, body }: ForgeAnswer, what: string): void {
  if (status >= 200 && status < 300) return
  const code = status >= 500 ? 'forge_unreachable' : 'forge_refused'
  throw new HubError(code, `${what}: ${describeRefusal({ status, body })}`)
}

/** `404 (Not Found); is the token allowed to see this repository?` */
export function describeRefusal({ status, body }: ForgeAnswer): string {
  const { message } = isRecord(body) ? body : {}
  const words = typeof message === 'string' ? message : JSON.stringify(message ?? '')
  const said = words && words !== '""' ? ` (${words.slice(0, 300)})` : ''
  const hint = hints[status] ?? rangeHint(status)
  return `${status}${said}${hint ? `; ${hint}` : ''}`
}

const hints: Readonly<Record<number, string>> = {
  401: 'the token is not valid, or has run out',
  403: 'the token may not do this: it needs to read pull requests, to write statuses and comments, and for reverts branches and pull requests',
  404: 'no such repository, commit or change, or the token may not see it',
  423: 'the repository is archived, so nothing can be written there',
}

function rangeHint(status: number): string | undefined {
  if (status >= 500) return 'the host could not do it; its own log says why'
  // A token is sent to no other address than the one that was given.
  if (status >= 300 && status < 400) {
    return 'the repository, or the API, is at another address now; give that one'
  }
  return undefined
}
