import { createApiClient } from '../../agent/cluster/http.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'

export type Ring = 'canary' | 'production'

/** Where a cluster is and what the fleet repository calls it. */
export interface ClusterPlace {
  readonly name: string
  readonly ring: Ring
  readonly kubeconfig: string
  readonly context: string
}

/** A cluster of the demo, and a way to look at it that shares nothing with hub or agent state. */
export interface DemoCluster extends ClusterPlace {
  /** GET; undefined when there is no such object. */
  read<T>(path: string): Promise<T | undefined>
  /** A merge patch, as somebody's hand would make it. */
  patch(path: string, fieldManager: string, body: object): Promise<void>
  /** DELETE; what is gone already is fine. */
  remove(path: string): Promise<void>
  close(): Promise<void>
}

const answerMs = 10_000

/** Opens a way to the API server; throws when it does not answer or the kubeconfig does not hold. */
export async function openCluster(place: ClusterPlace): Promise<DemoCluster> {
  const { kubeconfig, context } = place
  const client = createApiClient(await loadConnection({ kubeconfig, context }))

  async function send(
    method: 'GET' | 'PATCH' | 'DELETE',
    path: string,
    extra: { readonly body?: string; readonly contentType?: string } = {},
  ): Promise<string | undefined> {
    const signal = AbortSignal.timeout(answerMs)
    const { status, body } = await client.send({ method, path, signal, ...extra })
    if (status === 404) return undefined
    if (status >= 300) throw new Error(`${place.name}: ${method} ${path}: ${status} ${body}`)
    return body
  }

  return {
    ...place,
    async read<T>(path: string) {
      const body = await send('GET', path)
      return body === undefined ? undefined : (JSON.parse(body) as T)
    },
    async patch(path, fieldManager, body) {
      const found = await send('PATCH', `${path}?fieldManager=${fieldManager}`, {
        body: JSON.stringify(body),
        contentType: 'application/merge-patch+json',
      })
      if (found === undefined) throw new Error(`${place.name}: there is no ${path}`)
    },
    async remove(path) {
      await send('DELETE', path)
    },
    close: () => client.close(),
  }
}
