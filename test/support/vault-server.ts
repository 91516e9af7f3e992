import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ExtendedKeyUsage } from '@peculiar/x509'
import { vaultPath } from '../../deploy/setup/paths.mjs'
import { setUpVault } from '../../deploy/setup/vault.mjs'
import { createIssuer, signLeaf } from './certificates.ts'
import type { ControlPlane } from './control-plane.ts'
import { freePort } from './free-port.ts'
import { kubeCall } from './kube-request.ts'
import { startProcess } from './process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** A real Vault whose Kubernetes auth asks a real API server. */
export interface TestVault extends AsyncDisposable {
  /** `https://127.0.0.1:PORT` */
  readonly address: string
  /** File of the certificate that vouches for it. */
  readonly caFile: string
  /** One call as its administrator; `path` below `/v1/`. */
  call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>
  /** Writes a new version of a secret at `secret/data/NAME`. */
  put(name: string, values: Readonly<Record<string, unknown>>): Promise<void>
  /** What its Kubernetes auth takes; `role` may read `secret/data/shop/*`. */
  allow(role: string, more?: object): Promise<void>
  seal(): Promise<void>
  unseal(): Promise<void>
  /** SIGKILL; what it held is gone. */
  kill(): Promise<void>
}

/** Of the agent's account. */
const namespace = 'groundswell-system'

export async function startVault(plane: ControlPlane): Promise<TestVault> {
  await setUpVault()
  const directory = await createTempDir('vault')
  const at = (name: string) => join(directory.path, name)
  const port = await freePort()
  const root = randomBytes(16).toString('hex')
  const issuer = await createIssuer('CN=vault CA')
  const ca = issuer.certificate.toString('pem')
  const leaf = await signLeaf(issuer, '', {
    names: [{ type: 'ip', value: '127.0.0.1' }],
    usages: [ExtendedKeyUsage.serverAuth],
  })
  await writeFile(at('ca.pem'), ca)
  await writeFile(at('cert.pem'), leaf.cert)
  await writeFile(at('key.pem'), leaf.key)
  const files = ['-cert', at('cert.pem'), '-key', at('key.pem')]
  const log = at('vault.log')
  const server = startProcess(
    vaultPath(),
    ['-listen', `127.0.0.1:${port}`, '-root-token', root, ...files],
    { name: 'vault', logFile: log },
  )
  const address = `https://127.0.0.1:${port}`

  async function call(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<unknown> {
    const headers = { 'x-vault-token': root }
    const sent = request(`${address}/v1/${path}`, { method, ca, headers, agent: false })
    sent.end(body && JSON.stringify(body))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const text = Buffer.concat(await response.toArray()).toString()
    if ((response.statusCode ?? 0) >= 300)
      throw new Error(`${path}: ${response.statusCode} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  await until(
    () => {
      if (!server.running) throw new Error(`vault ended early:\n${server.readLog()}`)
      return call('GET', 'sys/health')
    },
    { deadlineMs: 30_000, what: 'Vault to be ready' },
  )
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'vault' } }
  await kubeCall(plane, 'POST', '/api/v1/namespaces/kube-system/serviceaccounts', account)
  await kubeCall(plane, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'vault' },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'system:auth-delegator',
    },
    subjects: [{ kind: 'ServiceAccount', name: 'vault', namespace: 'kube-system' }],
  })
  await call('POST', 'sys/auth/kubernetes', { type: 'kubernetes' })
  await call('POST', 'auth/kubernetes/config', {
    kubernetes_host: plane.server,
    kubernetes_ca_cert: plane.ca,
    token_reviewer_jwt: await requestToken(plane, 'kube-system', 'vault'),
  })
  await call('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  const policy = 'path "secret/data/shop/*" { capabilities = ["read"] }'
  await call('PUT', 'sys/policies/acl/shop', { policy })
  return {
    address,
    caFile: at('ca.pem'),
    call,
    async put(name, values) {
      await call('POST', `secret/data/${name}`, { data: values })
    },
    async allow(role, more = {}) {
      await call('POST', `auth/kubernetes/role/${role}`, {
        bound_service_account_names: 'groundswell-agent',
        bound_service_account_namespaces: namespace,
        token_policies: 'shop',
        ...more,
      })
    },
    async seal() {
      await call('PUT', 'sys/seal')
    },
    async unseal() {
      const key = /^[0-9a-f]{64}$/m.exec(readFileSync(log, 'utf8'))?.[0]
      await call('PUT', 'sys/unseal', { key })
    },
    kill: () => server.kill(),
    async [Symbol.asyncDispose]() {
      await server.stop()
      await directory.remove()
    },
  }
}

/** A token that the API server makes for a ServiceAccount, as kubelet asks for one. */
export async function requestToken(
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`
  const { status } = await kubeCall<{ status: { token: string } }>(plane, 'POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3_600 },
  })
  return status.token
}
