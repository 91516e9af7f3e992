import { HubError } from '../errors.ts'
import { judgeWebhook, noMatch, type WebhookHeaders } from './webhook.ts'

export interface WebhooksDeps {
  /** Those that are good now for webhooks of this repository. */
  readonly secretsOf: (name: string) => readonly string[]
  /** Looks at a source at once; false when there is none of this name. */
  readonly hint: (name: string) => Promise<boolean>
  readonly log: (message: string) => void
  readonly now: () => number
}

/** Anybody may send what is refused, so each reason is logged no more often; milliseconds. */
const quiet = 60_000

/** Webhooks as they come in: judged, and heeded. */
export function createWebhooks({ secretsOf, hint, log, now }: WebhooksDeps) {
  const logged = new Map<string, number>()

  function refuse(name: string, reason: string, told: string): HubError {
    const at = logged.get(reason)
    if (at === undefined || now() - at >= quiet) {
      logged.set(reason, now())
      log(`a webhook of ${JSON.stringify(name)} was refused: ${reason}`)
    }
    return new HubError('unauthenticated', `this webhook is not accepted: ${told}`)
  }

  /** @throws HubError `unauthenticated`, in the same words whether there is such a repository or not */
  return async function receive(
    name: string,
    headers: WebhookHeaders,
    body: Uint8Array,
  ): Promise<void> {
    const verdict = judgeWebhook(headers, body, secretsOf(name))
    if (!verdict.accepted) throw refuse(name, verdict.reason, verdict.told)
    if (!(await hint(name))) throw refuse(name, 'there is no repository of this name', noMatch)
  }
}
