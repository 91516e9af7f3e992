import type { Dispatcher } from 'undici'
import { answerWith } from '../lookup.ts'

/** One call to a server that was named by somebody, and judged before. */
export interface JudgedCall {
  readonly url: URL
  readonly method?: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | null
  /** Where its connection goes; undefined where any address will do. */
  readonly addresses: readonly string[] | undefined
  /** Certificates (PEM) that sign for the server. */
  readonly ca: string | undefined
  /** Milliseconds for the whole of it, and for each part. */
  readonly timeout?: number
  /** Bytes of the longest answer that is read. */
  readonly maxBytes?: number
}

export type JudgedAnswer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>

/**
 * Calls once, on a connection that serves nothing else: to the addresses that were judged, following no
 * redirect. Errors are those of the network, for the caller to put in words.
 */
export async function callJudged<T>(
  { url, method = 'GET', headers, body = null, addresses, ca, timeout, maxBytes }: JudgedCall,
  signal: AbortSignal,
  read: (answer: JudgedAnswer) => Promise<T>,
): Promise<T> {
  // Read with the first call: a hub that starts has agents waiting.
  const { Agent, request } = await import('../../undici.ts')
  const agent = new Agent({
    connect: {
      ...(timeout !== undefined && { timeout }),
      ...(ca !== undefined && { ca }),
      ...(addresses && { lookup: answerWith(addresses) }),
    },
    ...(timeout !== undefined && { headersTimeout: timeout, bodyTimeout: timeout }),
    ...(maxBytes !== undefined && { maxResponseSize: maxBytes }),
  })
  const deadline = timeout === undefined ? [] : [AbortSignal.timeout(timeout)]
  try {
    return await read(
      await request(url, {
        ...{ dispatcher: agent, method, body },
        signal: AbortSignal.any([signal, ...deadline]),
        headers: { 'user-agent': 'groundswell', ...headers },
      }),
    )
  } finally {
    await agent.destroy()
  }
}
