import { once } from 'node:events'
import { Agent, type RequestOptions, request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import type { KubeAccess } from '../support/kube-request.ts'
import { foreignApplication } from './drift-fleet.ts'

const types = {
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

/** One writer with its own connection, so that no write pays for a handshake. */
export function createWriter({ server, ca, token }: KubeAccess) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const headers = { authorization: `Bearer ${token}` }
  const call = async (path: string, options: RequestOptions, body?: unknown) => {
    const sent = request(new URL(path, server), { ca, agent, headers, ...options })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }
  return {
    /** Returns when the API server has taken it. */
    async write(path: string, manager: string, body: object, type: keyof typeof types = 'merge') {
      const query = `fieldManager=${manager}${type === 'apply' ? '&force=true' : ''}`
      const headersOfIt = { ...headers, 'content-type': types[type] }
      const response = await call(
        `${path}?${query}`,
        { method: 'PATCH', headers: headersOfIt },
        body,
      )
      const text = Buffer.concat(await response.toArray()).toString()
      if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${text}`)
    },
    /** Tells of every ConfigMap that changes from now on. */
    async watchConfigs(onChange: (name: string, text: string | undefined) => void): Promise<void> {
      const response = await call('/api/v1/configmaps?watch=true', { method: 'GET' })
      const read = async () => {
        for await (const line of createInterface({ input: response })) {
          const { object } = JSON.parse(line) as {
            object: { metadata: { namespace: string; name: string }; data?: { text?: string } }
          }
          const { namespace, name } = object.metadata
          onChange(`${namespace}/${name}`, object.data?.text)
        }
      }
      // Ends with the connection.
      read().catch(() => {})
    },
    close: () => agent.destroy(),
  }
}

export type Writer = ReturnType<typeof createWriter>

export const configPath = (namespace: string, name: string) =>
  `/api/v1/namespaces/${namespace}/configmaps/${name}`
const web = `/apis/apps/v1/namespaces/${foreignApplication}/deployments/web`
const settings = configPath(foreignApplication, 'settings')

/** Changes that are nobody's business but their managers': an autoscaler's, of defaults, of fields beside ours. */
export const foreignWrites: readonly ((writer: Writer, n: number) => Promise<void>)[] = [
  (writer, n) => writer.write(settings, 'other', { data: { other: `${n}` } }),
  (writer, n) => writer.write(settings, 'other', { metadata: { annotations: { seen: `${n}` } } }),
  (writer, n) => writer.write(`${web}/scale`, 'autoscaler', { spec: { replicas: 1 + (n % 9) } }),
  (writer, n) => writer.write(web, 'tuner', { spec: { progressDeadlineSeconds: 100 + n } }),
  (writer, n) =>
    writer.write(
      web,
      'injector',
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        spec: {
          template: {
            spec: {
              containers: [
                { name: 'web', imagePullPolicy: n % 2 ? 'Always' : 'Never' },
                { name: 'side', image: `side:${n}` },
              ],
            },
          },
        },
      },
      'apply',
    ),
]
