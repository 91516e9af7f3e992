import {
  type IncomingMessage,
  type RequestOptions,
  Agent as HttpAgent,
  request as requestHttp,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { AgentError } from '../errors.ts'
import type { SendToVault } from './vault-session.ts'

export interface VaultAddress {
  /** `https://host:port`, with a path when it sits behind a proxy. */
  readonly address: string
  /** PEM certificates to trust; the system's when absent. */
  readonly ca?: string | undefined
  /** Of Vault Enterprise or OpenBao. */
  readonly namespace?: string | undefined
}

const answerMs = 10_000
const mostBytes = 1024 * 1024

/** Talks to one Vault; nothing of an answer is in an error. */
export function createVaultClient({ address, ca, namespace }: VaultAddress): {
  readonly send: SendToVault
  close(): Promise<void>
} {
  const { origin, protocol, hostname, port, pathname } = new URL(address)
  const prefix = pathname.replace(/\/$/, '')
  const isPlain = protocol === 'http:'
  const limits = { keepAlive: true, maxSockets: 4, timeout: answerMs }
  const agent = isPlain
    ? new HttpAgent(limits)
    : new HttpsAgent({ ...limits, ...(ca !== undefined && { ca }) })
  const host = hostname.replace(/^\[|\]$/g, '')

  function ask(options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const to = { ...options, agent, host, port: port || undefined }
    const request = isPlain ? requestHttp(to) : requestHttps(to)
    request.on('response', resolve)
    request.on('error', reject)
    request.end(body)
    return promise
  }

  return {
    async send({ method, path, token, body, signal }) {
      signal.throwIfAborted()
      const deadline = AbortSignal.timeout(answerMs)
      try {
        const text = body && JSON.stringify(body)
        const options = {
          method,
          path: `${prefix}/v1/${path}`,
          headers: {
            accept: 'application/json',
            // Vault's own guard against requests that a browser was made to send.
            'x-vault-request': 'true',
            ...(text !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(text),
            }),
            ...(token !== undefined && { 'x-vault-token': token }),
            ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
          },
          signal: AbortSignal.any([signal, deadline]),
        }
        const response = await ask(options, text)
        return { status: response.statusCode ?? 0, body: parseJson(await readText(response)) }
      } catch (error) {
        signal.throwIfAborted()
        const why = deadline.aborted ? `no answer within ${answerMs / 1_000} s` : describe(error)
        const message = `Vault: ${origin} is not reachable: ${why}`
        throw new AgentError('vault_unavailable', message, { cause: error })
      }
    },
    async close() {
      agent.destroy()
    },
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > mostBytes) throw new Error(`an answer of more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function describe(error: unknown): string {
  const { code, message, name } = error as NodeJS.ErrnoException
  return message || code || name
}
