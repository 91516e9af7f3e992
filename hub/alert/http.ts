import { HubError } from '../errors.ts'
import { readRetryAfter } from '../retry-after.ts'
import { hostOf } from '../source/host-rules.ts'
import { callJudged } from '../source/judged/http.ts'
import type { FindAddresses } from '../source/named-hosts.ts'
import { NotNow } from './not-now.ts'
import type { Post } from './send.ts'

const answerBytes = 64 * 1024

/** Posts once, following no redirect: nothing is sent to where a server points. */
export function createPost(findAddresses: FindAddresses, clock: () => number) {
  return async function post(
    { url, trusted, ca, timeout, headers, body }: Post,
    signal: AbortSignal,
  ): Promise<void> {
    const host = hostOf(url)
    const addresses = await findAddresses(host, trusted)
    const call = { url, method: 'POST', headers, body, addresses, ca, timeout } as const
    let pause: number | undefined
    try {
      await callJudged({ ...call, maxBytes: answerBytes }, signal, async (answer) => {
        await answer.body.dump()
        const { statusCode, headers } = answer
        if (statusCode >= 200 && statusCode < 300) return
        pause = readRetryAfter(headers['retry-after'], clock())
        throw new Error(`answered ${statusCode}`)
      })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      // The path of an incoming webhook is its secret.
      const words = `${host}: ${why}`
      if (pause !== undefined) throw new NotNow(words, pause, cause)
      throw new HubError('notification_failed', words, { cause })
    }
  }
}
