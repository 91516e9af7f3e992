import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { AgentError } from '../errors.ts'
import type { Connection } from './connection.ts'

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface ConnectionOptions {
  /** Path of a kubeconfig file. */
  readonly kubeconfig?: string
  /** Context in it; its `current-context` when absent. */
  readonly context?: string
  /** True reads the service account's files instead. */
  readonly inCluster?: boolean
}

type Members = Readonly<Record<string, unknown>>

/**
 * Reads how to reach the cluster: the service account's files, or a kubeconfig. Plain
 * certificates and tokens are read here; `exec` and `auth-provider` users load
 * `@kubernetes/client-node`, which costs some 85 MB, only when a user needs it.
 *
 * @throws AgentError `config_invalid` naming what is missing.
 */
export async function loadConnection(options: ConnectionOptions): Promise<Connection> {
  const environment = process.env
  const host = environment['KUBERNETES_SERVICE_HOST']
  if (options.inCluster ?? (!options.kubeconfig && !environment['KUBECONFIG'] && host)) {
    return loadServiceAccount(host, environment['KUBERNETES_SERVICE_PORT'] ?? '443')
  }
  const path =
    options.kubeconfig ??
    environment['KUBECONFIG']?.split(':').find(Boolean) ??
    join(homedir(), '.kube', 'config')
  try {
    return await readKubeconfig(path, options.context)
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError('config_invalid', `kubeconfig ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function loadServiceAccount(host: string | undefined, port: string): Promise<Connection> {
  if (!host) throw invalid('KUBERNETES_SERVICE_HOST is not set: not inside a cluster')
  const ca = await readFile(`${serviceAccount}/ca.crt`, 'utf8').catch((error: unknown) => {
    throw invalid(`service account: ${messageOf(error)}`, error)
  })
  const namespace = await readFile(`${serviceAccount}/namespace`, 'utf8').catch(() => '')
  return {
    ...(namespace.trim() && { namespace: namespace.trim() }),
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca,
    insecure: false,
    // The kubelet rotates the file, so it is read for each request.
    token: async () => (await readFile(`${serviceAccount}/token`, 'utf8')).trim(),
  }
}

async function readKubeconfig(path: string, wanted: string | undefined): Promise<Connection> {
  const file = await parseFile(await readFile(path, 'utf8'))
  const context = wanted ?? text(file?.['current-context'])
  if (!context) throw invalid(`kubeconfig ${path}: no current-context`)
  const names = named(file, 'contexts', context, 'context', path)
  const cluster = named(file, 'clusters', text(names['cluster']) ?? '', 'cluster', path)
  const user = named(file, 'users', text(names['user']) ?? '', 'user', path)
  const server = text(cluster['server'])
  if (!server) throw invalid(`kubeconfig ${path}: cluster has no server`)
  const folder = dirname(path)
  const ca = await material(cluster, 'certificate-authority', folder)
  const serverName = text(cluster['tls-server-name'])
  const base = {
    server,
    ...(ca && { ca }),
    ...(serverName && { serverName }),
    insecure: cluster['insecure-skip-tls-verify'] === true,
  }
  if (user['exec'] || user['auth-provider']) return runPlugin(path, context, base)
  const certificate = await material(user, 'client-certificate', folder)
  const key = await material(user, 'client-key', folder)
  const token = text(user['token'])
  const tokenFile = text(user['tokenFile'])
  return {
    ...base,
    ...(certificate && { certificate }),
    ...(key && { key }),
    token: async () =>
      tokenFile ? (await readFile(within(folder, tokenFile), 'utf8')).trim() : token,
  }
}

/** JSON is YAML, and what is written by programs is often that: no library for it. */
async function parseFile(content: string): Promise<Members | null> {
  if (content.startsWith('{')) {
    try {
      return JSON.parse(content) as Members
    } catch {
      // YAML may begin so, too.
    }
  }
  const { parse } = await import('yaml')
  return parse(content) as Members | null
}

type Base = Pick<Connection, 'server' | 'ca' | 'serverName' | 'insecure'>

async function runPlugin(path: string, context: string, base: Base): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js')
  const config = new KubeConfig()
  config.loadFromFile(path)
  config.setCurrentContext(context)
  // The plugin's answer is cached by the library until it expires, so asking each time is cheap.
  const ask = async () => {
    const options: {
      headers?: Record<string, unknown>
      cert?: string | Buffer
      key?: string | Buffer
    } = {}
    await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0])
    return options
  }
  const first = await ask()
  return {
    ...base,
    ...(first.cert && { certificate: first.cert.toString() }),
    ...(first.key && { key: first.key.toString() }),
    token: async () => {
      const header = text((await ask()).headers?.['Authorization'])
      return header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined
    },
  }
}

function named(file: Members | null, list: string, name: string, member: string, path: string) {
  const entries = file?.[list]
  const found = Array.isArray(entries)
    ? (entries as Members[]).find((entry) => entry['name'] === name)
    : undefined
  if (!found) throw invalid(`kubeconfig ${path}: ${list} has no ${JSON.stringify(name)}`)
  return (found[member] ?? {}) as Members
}

async function material(from: Members, name: string, folder: string): Promise<string | undefined> {
  const inline = text(from[`${name}-data`])
  if (inline) return Buffer.from(inline, 'base64').toString('utf8')
  const file = text(from[name])
  return file ? readFile(within(folder, file), 'utf8') : undefined
}

function within(folder: string, file: string): string {
  return isAbsolute(file) ? file : join(folder, file)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value ? value : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function invalid(message: string, cause?: unknown): AgentError {
  return new AgentError('config_invalid', message, cause === undefined ? undefined : { cause })
}
