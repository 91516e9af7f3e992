import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { controlPlanePaths } from '../../deploy/setup/paths.mjs'
import { freePort } from './free-port.ts'
import { type KubeAccess, kubeCall, kubeRequest } from './kube-request.ts'
import { type ServerProcess, startProcess } from './process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** A real Kubernetes control plane on loopback, with a token of `system:masters`. */
export interface ControlPlane extends KubeAccess, AsyncDisposable {
  readonly name: string
  /** Path of a kubeconfig file for the administrator. */
  readonly kubeconfig: string
  /** For faults: the API server alone; etcd keeps the objects. */
  readonly apiserver: {
    /** SIGKILL; connections are reset and new ones refused. */
    kill(): Promise<void>
    /** Starts it again on the same port with the same certificate; returns when it is ready. */
    start(): Promise<void>
  }
  /** For faults: what etcd holds, as if from a backup. The API server is away meanwhile. */
  readonly backup: {
    take(): Promise<void>
    restore(): Promise<void>
  }
  /** Requests as the API server wrote them down when it had answered; none without `audit`. */
  readAudit(): Promise<readonly AuditEvent[]>
  /** Ends every process and removes the data. */
  stop(): Promise<void>
}

export interface ControlPlaneOptions {
  readonly name?: string
  /** Also controller-manager and scheduler: Deployments make pods, namespaces end, garbage goes. */
  readonly controllers?: boolean
  /** Also one node that kwok plays; see test/controlplane/kwok/stages.yaml for what pods do there. */
  readonly nodes?: boolean
  /** Bytes after which etcd takes no more. */
  readonly quotaBytes?: number
  /** The API server writes down every request: who made it, and in whose name. */
  readonly audit?: boolean
}

/** What an audit log of Kubernetes says of one request (audit.k8s.io/v1). */
export interface AuditEvent {
  readonly verb: string
  readonly requestURI: string
  readonly user: { readonly username: string }
  readonly impersonatedUser?: { readonly username: string }
  readonly objectRef?: {
    readonly resource: string
    readonly namespace?: string
    readonly name?: string
  }
}

const stages = fileURLToPath(new URL('../controlplane/kwok/stages.yaml', import.meta.url))

/** Starts etcd and kube-apiserver, and what the options ask for; returns when it can be used. */
export async function startControlPlane({
  name = 'cluster',
  controllers = false,
  nodes = false,
  quotaBytes,
  audit = false,
}: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const directory = await createTempDir(name)
  const at = (...parts: string[]) => join(directory.path, ...parts)
  const programs = controlPlanePaths()
  const etcdUrl = `http://127.0.0.1:${await freePort()}`
  const peerUrl = `http://127.0.0.1:${await freePort()}`
  const port = await freePort()
  const server = `https://127.0.0.1:${port}`
  const token = randomBytes(16).toString('hex')
  const running = new Map<string, ServerProcess>()

  const run = (program: keyof typeof programs, flags: Readonly<Record<string, string>>) => {
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
    const options = { name: `${name} ${program}`, logFile: at(`${program}.log`) }
    running.set(program, startProcess(programs[program], args, options))
  }

  async function stop(): Promise<void> {
    await Promise.all([...running.values()].map((part) => part.kill()))
    await directory.remove()
  }

  /** Waits for `check`; when one of the processes ends first, says so with its log. */
  async function awaitUp(what: string, check: () => Promise<unknown>): Promise<void> {
    const findEnded = () => [...running.values()].find((part) => !part.running)
    await until(() => findEnded() !== undefined || check(), {
      deadlineMs: 60_000,
      what: `${name}: ${what}`,
    })
    const ended = findEnded()
    if (ended) throw new Error(`${ended.name} ended early:\n${ended.readLog()}`)
  }

  async function startApiserver(): Promise<void> {
    run('kube-apiserver', {
      'etcd-servers': etcdUrl,
      'bind-address': '127.0.0.1',
      'secure-port': String(port),
      'cert-dir': at('pki'),
      'endpoint-reconciler-type': 'none',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': at('pki', 'service-account.key'),
      'service-account-signing-key-file': at('pki', 'service-account.key'),
      'token-auth-file': at('pki', 'tokens.csv'),
      'authorization-mode': 'RBAC',
      // On loopback, so that a webhook or aggregated API that names a Service is never dialled outside.
      'service-cluster-ip-range': '127.96.0.0/16',
      'allow-privileged': 'true',
      ...(audit && { 'audit-policy-file': at('audit.json'), 'audit-log-path': at('audit.log') }),
      // Nothing makes service accounts when there are no controllers; pods must not wait for them.
      ...(controllers ? {} : { 'disable-admission-plugins': 'ServiceAccount' }),
    })
    await awaitUp('the API server to be ready', async () => {
      const ca = await readFile(at('pki', 'apiserver.crt'), 'utf8')
      return (await kubeRequest({ server, ca, token }, 'GET', '/readyz')).status === 200
    })
  }

  function startEtcd(): void {
    run('etcd', {
      'data-dir': at('etcd'),
      'listen-client-urls': etcdUrl,
      'advertise-client-urls': etcdUrl,
      'listen-peer-urls': peerUrl,
      'unsafe-no-fsync': 'true',
      'log-level': 'warn',
      ...(quotaBytes === undefined ? {} : { 'quota-backend-bytes': String(quotaBytes) }),
    })
  }

  /** Swaps what etcd holds while nobody uses it. */
  async function withoutEtcd(work: () => Promise<void>): Promise<void> {
    await running.get('kube-apiserver')?.kill()
    await running.get('etcd')?.stop()
    await work()
    startEtcd()
    await startApiserver()
  }

  function startControllers(): void {
    const common = {
      kubeconfig: at('kubeconfig'),
      'authentication-kubeconfig': at('kubeconfig'),
      'authorization-kubeconfig': at('kubeconfig'),
      'leader-elect': 'false',
      'secure-port': '0',
    }
    run('kube-controller-manager', {
      ...common,
      'service-account-private-key-file': at('pki', 'service-account.key'),
      'use-service-account-credentials': 'true',
    })
    run('kube-scheduler', common)
  }

  async function startNode(access: KubeAccess): Promise<void> {
    const kwokPort = await freePort()
    run('kwok', {
      kubeconfig: at('kubeconfig'),
      config: stages,
      'manage-all-nodes': 'true',
      'node-lease-duration-seconds': '40',
      'server-address': `127.0.0.1:${kwokPort}`,
    })
    const nodePath = `/api/v1/nodes/${name}-node`
    await kubeCall(access, 'POST', '/api/v1/nodes', createNode(`${name}-node`))
    await awaitUp('its node to be ready', async () => {
      const node = await kubeCall<LiveNode>(access, 'GET', nodePath)
      const ready = node.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
      return ready && (!controllers || node.spec.taints === undefined)
    })
  }

  try {
    await mkdir(at('pki'))
    await writeFile(at('pki', 'tokens.csv'), `${token},admin,1,"system:masters"\n`)
    await writeFile(at('pki', 'service-account.key'), createServiceAccountKey())
    if (audit) await writeFile(at('audit.json'), JSON.stringify(auditPolicy))
    startEtcd()
    await startApiserver()
    const access = { server, token, ca: await readFile(at('pki', 'apiserver.crt'), 'utf8') }
    await writeFile(at('kubeconfig'), formatKubeconfig(name, access), { mode: 0o600 })
    if (controllers) startControllers()
    if (nodes) await startNode(access)
    return {
      ...access,
      name,
      kubeconfig: at('kubeconfig'),
      apiserver: {
        kill: async () => running.get('kube-apiserver')?.kill(),
        start: startApiserver,
      },
      backup: {
        take: () => withoutEtcd(() => cp(at('etcd'), at('backup'), { recursive: true })),
        restore: () =>
          withoutEtcd(async () => {
            await rm(at('etcd'), { recursive: true })
            await cp(at('backup'), at('etcd'), { recursive: true })
          }),
      },
      async readAudit() {
        const lines = (await readFile(at('audit.log'), 'utf8')).split('\n')
        return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEvent)
      },
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
}

interface LiveNode {
  readonly spec: { readonly taints?: readonly unknown[] }
  readonly status: { readonly conditions?: readonly { type: string; status: string }[] }
}

function createNode(name: string): object {
  const room = { cpu: '1000', memory: '1Ti', pods: '10000' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' } },
    status: { allocatable: room, capacity: room },
  }
}

function createServiceAccountKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
}

/** For one user of one cluster. JSON is YAML: no library needed. */
export function formatKubeconfig(name: string, { server, ca, token }: KubeAccess): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name, context: { cluster: name, user: 'admin' } }],
    'current-context': name,
  })
}
