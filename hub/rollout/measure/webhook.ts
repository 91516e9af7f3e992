import { createHmac } from 'node:crypto'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../../errors.ts'
import type { GateAnswer } from '../gate/gate-state.ts'
import type { WebhookGate } from '../gate/planned-gate.ts'
import type { Measurement, RolloutPlan } from '../rollout.ts'
import { shortestSecret } from './credential.ts'
import type { Ask } from './question.ts'

const timeout = 10_000
const eventType = 'dev.groundswell.gate.asked.v1'

/**
 * Asks a gate's webhook. The same question has the same id however often it is sent, so that whoever
 * answers can tell.
 *
 * @param now milliseconds since the epoch; the signature is over it, against replay
 * @throws HubError `gate_unreachable`
 */
export async function askWebhook(
  plan: RolloutPlan,
  measurement: Measurement & { readonly planned: WebhookGate },
  ask: Ask,
  now: number,
  signal: AbortSignal,
): Promise<GateAnswer> {
  const { url, credential } = measurement.planned
  const { id, body } = writeEvent(plan, measurement, now)
  const reply = await ask(
    {
      url: new URL(url),
      credential,
      timeout,
      post: {
        body,
        type: 'application/cloudevents+json; charset=utf-8',
        sign: (secret) => signBody(secret, id, now, body),
      },
    },
    signal,
  )
  return readVerdict(reply.status, reply.body)
}

/** A CloudEvent 1.0 in structured mode. */
export function writeEvent(
  plan: RolloutPlan,
  { gate, since, wave, clusters }: Measurement,
  now: number,
): { readonly id: string; readonly body: string } {
  const id = `${plan.id}/${gate}/${since}`
  const body = canonicalJson({
    specversion: '1.0',
    id,
    source: `/rollouts/${plan.id}`,
    type: eventType,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
    data: {
      rollout: plan.id,
      application: plan.application,
      revision: plan.revision,
      contentDigest: plan.contentDigest,
      gate,
      wave,
      clusters: [...clusters],
      waitingSince: new Date(since).toISOString(),
    },
  })
  return { id, body }
}

/**
 * The three headers of the Standard Webhooks specification (standardwebhooks.com): HMAC-SHA256 over
 * `id.seconds.body`.
 *
 * @throws HubError `gate_unreachable` when the secret could be guessed
 */
export function signBody(
  secret: Buffer,
  id: string,
  now: number,
  body: string,
): Record<string, string> {
  if (secret.byteLength < shortestSecret) {
    throw new HubError(
      'gate_unreachable',
      `the secret of the webhook has fewer than ${shortestSecret} bytes`,
    )
  }
  const seconds = String(Math.floor(now / 1000))
  const mac = createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${mac}` }
}

/** `{"verdict": "pass", "reason": "…"}` with status 200; whatever else comes decides nothing. */
export function readVerdict(status: number, body: unknown): GateAnswer {
  const { verdict, reason } = isRecord(body) ? body : {}
  const words = typeof reason === 'string' ? reason : ''
  if (status === 200 && (verdict === 'pass' || verdict === 'fail' || verdict === 'wait')) {
    return { kind: 'verdict', verdict, message: words === '' ? `it says ${verdict}` : words }
  }
  const what = status === 200 ? 'no verdict pass, fail or wait' : `status ${status}`
  return { kind: 'unanswered', message: `the webhook answered with ${what}` }
}
