import { Agent, request } from 'undici'
import { HubError } from '../errors.ts'
import { answerWith } from '../source/lookup.ts'
import type { FindAddresses } from '../source/named-hosts.ts'
import type { Post } from './send.ts'

const answerBytes = 64 * 1024

/** Posts once, following no redirect: nothing is sent to where a server points. */
export function createPost(findAddresses: FindAddresses) {
  return async function post(
    { url, trusted, ca, timeout, headers, body }: Post,
    signal: AbortSignal,
  ): Promise<void> {
    const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
    const addresses = await findAddresses(host, trusted)
    const agent = new Agent({
      connect: {
        timeout,
        ...(ca !== undefined && { ca }),
        ...(addresses && { lookup: answerWith(addresses) }),
      },
      headersTimeout: timeout,
      bodyTimeout: timeout,
      maxResponseSize: answerBytes,
    })
    try {
      const { statusCode, body: answer } = await request(url, {
        dispatcher: agent,
        method: 'POST',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
        headers: { 'user-agent': 'groundswell', ...headers },
        body,
      })
      await answer.dump()
      if (statusCode < 200 || statusCode >= 300) throw new Error(`answered ${statusCode}`)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      // The path of an incoming webhook is its secret.
      throw new HubError('notification_failed', `${host}: ${why}`, { cause })
    } finally {
      await agent.destroy()
    }
  }
}
