import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'

/** How to reach an API server as its administrator. */
export interface KubeAccess {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string
  /** PEM. */
  readonly ca: string
  readonly token: string
}

export interface KubeAnswer {
  readonly status: number
  /** Parsed when it is JSON, else the text. */
  readonly body: unknown
}

const patchTypes = {
  PATCH: 'application/merge-patch+json',
  APPLY: 'application/apply-patch+yaml',
} as const

/**
 * One request to a test API server, without any Kubernetes library. `APPLY` is a server-side apply:
 * put `?fieldManager=…` in the path. Any status is an answer, not an error.
 */
export async function kubeRequest(
  { server, ca, token }: KubeAccess,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | keyof typeof patchTypes,
  path: string,
  body?: unknown,
): Promise<KubeAnswer> {
  const type = method === 'PATCH' || method === 'APPLY' ? patchTypes[method] : 'application/json'
  const call = request(new URL(path, server), {
    method: method === 'APPLY' ? 'PATCH' : method,
    ca,
    agent: false,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    timeout: 30_000,
  })
  call.once('timeout', () => call.destroy(new Error(`${method} ${path}: no answer in 30 s`)))
  call.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  const text = Buffer.concat(await response.toArray()).toString()
  return { status: response.statusCode ?? 0, body: parseBody(text) }
}

/** As `kubeRequest`, for calls that must succeed. @throws Error with the API server's words */
export async function kubeCall<T = unknown>(...args: Parameters<typeof kubeRequest>): Promise<T> {
  const { status, body } = await kubeRequest(...args)
  if (status >= 300) throw new Error(`${args[1]} ${args[2]}: ${status} ${JSON.stringify(body)}`)
  return body as T
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
