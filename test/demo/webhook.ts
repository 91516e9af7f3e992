import { createHmac } from 'node:crypto'

/** Tells the hub that something was pushed, as a Git host does. */
export async function sendWebhook(hubUrl: string, secret: string): Promise<void> {
  const body = JSON.stringify({ ref: 'refs/heads/main' })
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  const response = await fetch(`${hubUrl}/api/v1/webhooks/fleet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
    body,
    signal: AbortSignal.timeout(5_000),
  })
  if (response.status !== 202) {
    throw new Error(`webhook: ${response.status} ${await response.text()}`)
  }
}
