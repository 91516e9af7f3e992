import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../../errors.ts'
import type { SecretName } from '../credential.ts'
import type { KubeAccess } from './kubeconfig.ts'

/** A Secret holds 1 MiB at most, and base64 takes a third more. */
const answerBytes = 2 * 1024 * 1024
const deadlineMs = 10_000

/**
 * Reads one Secret for one use: nothing of it is kept.
 *
 * @throws HubError `source_unreachable`, `source_refused`; never with what the Secret holds
 */
export async function readSecret(
  access: KubeAccess,
  { namespace, name }: SecretName,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Buffer>> {
  const what = `Secret ${namespace}/${name}`
  const { server, token, ...tls } = access
  const { Agent, request } = await import('../../undici.ts')
  const dispatcher = new Agent({ connect: tls, maxResponseSize: answerBytes })
  try {
    const path = [namespace, name].map(encodeURIComponent)
    const { statusCode, body } = await request(
      `${server}/api/v1/namespaces/${path[0]}/secrets/${path[1]}`,
      {
        dispatcher,
        headers: { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
      },
    )
    const text = await body.text()
    switch (statusCode) {
      case 200:
        return parseSecret(what, text)
      case 404:
        throw new HubError('source_refused', `${what} does not exist`)
      case 401:
      case 403:
        throw new HubError('source_refused', `the hub may not read ${what}; allow it to \`get\` it`)
      default:
        throw new HubError('source_unreachable', `${what}: the API server answered ${statusCode}`)
    }
  } catch (cause) {
    if (cause instanceof HubError) throw cause
    throw new HubError(
      'source_unreachable',
      `${what} cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  } finally {
    await dispatcher.destroy()
  }
}

function parseSecret(what: string, text: string): ReadonlyMap<string, Buffer> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own words quote what it read.
    throw new HubError('source_unreachable', `${what}: the API server's answer is not JSON`)
  }
  const data = isRecord(value) && isRecord(value['data']) ? value['data'] : {}
  return new Map(
    Object.entries(data).flatMap(([key, member]) =>
      typeof member === 'string' ? [[key, Buffer.from(member, 'base64')] as const] : [],
    ),
  )
}
