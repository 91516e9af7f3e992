import { type KubeAccess, kubeCall } from './kube-request.ts'

/** Requests an API server has answered, by what they did. */
export interface ApiRequests {
  readonly writes: number
  /** Reads and lists; a watch is none. */
  readonly gets: number
}

const writing = new Set(['APPLY', 'PATCH', 'POST', 'PUT', 'DELETE', 'DELETECOLLECTION'])
const reading = new Set(['GET', 'LIST'])

/**
 * What the API server itself has counted (`apiserver_request_total`) for some resources: those of
 * which it asks itself nothing, so that all are its clients'.
 */
export async function countApiRequests(
  access: KubeAccess,
  resources: readonly string[],
): Promise<ApiRequests> {
  const text = await kubeCall<string>(access, 'GET', '/metrics')
  const counts = { writes: 0, gets: 0 }
  for (const line of text.split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue
    const labels = Object.fromEntries(
      [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    ) as Readonly<Record<string, string>>
    if (!resources.includes(labels['resource'] ?? '')) continue
    const count = Number(line.slice(line.lastIndexOf(' ') + 1))
    if (writing.has(labels['verb'] ?? '')) counts.writes += count
    if (reading.has(labels['verb'] ?? '')) counts.gets += count
  }
  return counts
}
