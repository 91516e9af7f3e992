import { readFile } from 'node:fs/promises'
import { HubError } from '../../errors.ts'

/** How the cluster that holds the hub's Secrets is reached. */
export interface KubeAccess {
  /** `https://host:port`. */
  readonly server: string
  /** PEM. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly token?: string
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * Reads how to reach the cluster: a kubeconfig, or else the service account's files. Read anew for
 * each question, since the kubelet rotates tokens.
 *
 * @throws HubError `config_invalid` naming what is missing
 */
export async function readKubeAccess(kubeconfig: string | undefined): Promise<KubeAccess> {
  return kubeconfig === undefined ? readServiceAccount() : readKubeconfig(kubeconfig)
}

async function readServiceAccount(): Promise<KubeAccess> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env
  if (!host) {
    throw invalid('a credential is a Secret: give --kubeconfig, for the hub is in no cluster')
  }
  const read = async (name: string) =>
    readFile(`${serviceAccount}/${name}`, 'utf8').catch((cause: unknown) => {
      throw invalid(`the service account has no ${name}`, cause)
    })
  const [ca, token] = [await read('ca.crt'), await read('token')]
  const address = host.includes(':') ? `[${host}]` : host
  return { server: `https://${address}:${port}`, ca, token: token.trim() }
}

async function readKubeconfig(path: string): Promise<KubeAccess> {
  // Some 85 MB, for hubs that are told to use it only.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    config.loadFromFile(path)
  } catch (cause) {
    throw invalid(`kubeconfig ${path} cannot be read`, cause)
  }
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()]
  if (!cluster) throw invalid(`kubeconfig ${path} has no current cluster`)
  if (cluster.skipTLSVerify || !cluster.server.startsWith('https://')) {
    throw invalid(`kubeconfig ${path} does not check the server's certificate`)
  }
  // Commands of a file somebody handed in are not run (bad input B86).
  if (user?.exec || user?.authProvider) {
    throw invalid(`kubeconfig ${path} runs a command for its user; give a token or certificate`)
  }
  const options: { ca?: unknown; cert?: unknown; key?: unknown; headers?: unknown } = {}
  await config.applyToHTTPSOptions(options)
  const authorization = (options.headers as Record<string, unknown> | undefined)?.['Authorization']
  const bearer = typeof authorization === 'string' ? /^Bearer (.+)$/.exec(authorization) : null
  const pem = (value: unknown) =>
    Buffer.isBuffer(value) || typeof value === 'string' ? value.toString() : undefined
  const members = { ca: pem(options.ca), cert: pem(options.cert), key: pem(options.key) }
  return {
    server: cluster.server.replace(/\/$/, ''),
    ...(members.ca && { ca: members.ca }),
    ...(members.cert && { cert: members.cert }),
    ...(members.key && { key: members.key }),
    ...(bearer && { token: bearer[1]! }),
  }
}

function invalid(message: string, cause?: unknown): HubError {
  return new HubError('config_invalid', message, { cause })
}
