import { stringify } from 'yaml'

export interface AgentManifestOptions {
  /** Where the agent lives. */
  readonly namespace: string
  /** Its entry point runs the agent. */
  readonly image: string
  /** `host:port` of the hub's enrol listener. */
  readonly hub: string
  readonly token: string
  /** What the hub must know the cluster as; any when left out. */
  readonly cluster?: string
  /** What it may do to apply what Git asks; it exists already. */
  readonly clusterRole: string
}

/** A Kubernetes object to be applied. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [member: string]: unknown
}

const app = 'groundswell-agent'
/** Inventories live here, wherever the agent does: another agent must find them. */
const inventoryNamespace = 'groundswell-system'
const labels = { 'app.kubernetes.io/name': app }
const tokenFolder = '/var/run/groundswell/join'
const dataFolder = '/var/lib/groundswell'
const healthPort = 8081
/** After which a new release counts as failed. */
const takeOverSeconds = 120
/** Nobody's, so that images need not have it. */
const userId = 65_532

/**
 * What keeps the agent small, without its doing: V8's space for new objects grows to 48 MB by default,
 * and what glibc keeps of the memory that the program was compiled in is 20 MB.
 */
export const agentEnvironment = {
  NODE_OPTIONS: '--max-semi-space-size=1',
  MALLOC_MMAP_THRESHOLD_: '16384',
} as const

/** As many as the agent looks for (`agent/content/kube.ts`), and one for snapshots of before. */
const contentNames = [...Array.from({ length: 8 }, (_, n) => `content-${n}`), 'content-kept']

/**
 * Everything an agent needs in its cluster, in the order it can be applied. Identity, trust state
 * and content have empty Secrets from the start, so that the agent need not be allowed to make any.
 */
export function listAgentObjects(options: AgentManifestOptions): readonly KubeObject[] {
  const { namespace, token, clusterRole } = options
  const account = { kind: 'ServiceAccount', name: app, namespace }
  const namespaces = [...new Set([namespace, inventoryNamespace])]
  return [
    ...namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: meta(name) })),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta(app, namespace) },
    secret('join', namespace, { token: Buffer.from(token).toString('base64') }),
    secret('identity', namespace),
    secret('trust', namespace),
    ...contentNames.map((name) => secret(name, namespace)),
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: meta(app, namespace) },
    ...grant(account, meta(app, namespace), [
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['identity', 'trust', ...contentNames].map((name) => `${app}-${name}`),
        verbs: ['get', 'update'],
      },
      // Whether somebody there has updates wait.
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['groundswell-hold'],
        verbs: ['get', 'list', 'watch'],
      },
      // Which of two pods runs.
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: [app],
        verbs: ['get', 'update'],
      },
      // Keys to Secrets that SOPS encrypted; yours to make, and the agent never writes it.
      { apiGroups: [''], resources: ['secrets'], resourceNames: [`${app}-sops`], verbs: ['get'] },
    ]),
    ...grant(account, meta(`${app}-inventory`, inventoryNamespace), [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch', 'delete'] },
    ]),
    ...grant(account, meta(app), [
      {
        apiGroups: [''],
        resources: ['namespaces'],
        // By the UID of the first, clusters are told apart.
        resourceNames: ['kube-system', inventoryNamespace],
        verbs: ['get'],
      },
      { apiGroups: [''], resources: ['nodes'], verbs: ['list'] },
      // To say why something is not ready.
      { apiGroups: [''], resources: ['pods', 'events'], verbs: ['list'] },
    ]),
    bind(account, meta(`${app}-apply`), clusterRole),
    deployment(options),
  ]
}

/** One stream of documents; the same options give the same bytes. */
export function formatAgentManifest(objects: readonly KubeObject[]): string {
  return objects
    .map((object) =>
      // Kubernetes reads YAML 1.1, where `on` and `1:30` are no strings.
      stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }),
    )
    .join('---\n')
}

function meta(name: string, namespace?: string): KubeObject['metadata'] {
  return { name, ...(namespace === undefined ? {} : { namespace }), labels }
}

function secret(name: string, namespace: string, data?: Readonly<Record<string, string>>) {
  const metadata = meta(`${app}-${name}`, namespace)
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', ...(data && { data }) }
}

const rbac = 'rbac.authorization.k8s.io'

type Account = Readonly<Record<'kind' | 'name' | 'namespace', string>>

/** A role and its binding: of the metadata's namespace, or of the cluster when it names none. */
function grant(
  account: Account,
  metadata: KubeObject['metadata'],
  rules: readonly Readonly<Record<string, readonly string[]>>[],
): readonly KubeObject[] {
  const kind = metadata.namespace === undefined ? 'ClusterRole' : 'Role'
  const role = { apiVersion: `${rbac}/v1`, kind, metadata, rules }
  return [role, bind(account, metadata, metadata.name)]
}

function bind(account: Account, metadata: KubeObject['metadata'], role: string): KubeObject {
  const scope = metadata.namespace === undefined ? 'Cluster' : ''
  return {
    apiVersion: `${rbac}/v1`,
    kind: `${scope}RoleBinding`,
    metadata,
    roleRef: { apiGroup: rbac, kind: `${scope}Role`, name: role },
    subjects: [account],
  }
}

/**
 * The Deployment alone, for a fleet that keeps its agents' release in Git. Nothing deletes it: an agent
 * that removes itself leaves nobody who could be asked to come back.
 */
export function createAgentDeployment(
  options: Pick<AgentManifestOptions, 'namespace' | 'image' | 'hub'>,
): KubeObject {
  const object = deployment(options)
  const annotations = { 'groundswell.dev/prune': 'disabled' }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** What the agent is started with, in a container that has its folders. */
export function listAgentFlags({
  namespace,
  hub,
  cluster,
}: Pick<AgentManifestOptions, 'namespace' | 'hub' | 'cluster'>): readonly string[] {
  return [
    `--hub=${hub}`,
    ...(cluster === undefined ? [] : [`--cluster=${cluster}`]),
    `--token-file=${tokenFolder}/token`,
    `--data=${dataFolder}`,
    `--identity-secret=${namespace}/${app}-identity`,
    `--trust-secret=${namespace}/${app}-trust`,
    `--content-secret=${namespace}/${app}-content`,
    `--lease=${namespace}/${app}`,
    `--health-port=${healthPort}`,
  ]
}

function deployment({
  image,
  ...flags
}: Pick<AgentManifestOptions, 'namespace' | 'image' | 'hub' | 'cluster'>): KubeObject {
  const { namespace } = flags
  const container = {
    name: 'agent',
    image,
    args: listAgentFlags(flags),
    env: Object.entries({ ...agentEnvironment, NODE_COMPILE_CACHE: `${dataFolder}/compiled` }).map(
      ([name, value]) => ({ name, value }),
    ),
    ports: [{ name: 'health', containerPort: healthPort }],
    livenessProbe: probe('/livez', 10),
    readinessProbe: probe('/readyz', 5),
    resources: {
      requests: { cpu: '50m', memory: '128Mi' },
      limits: { memory: '512Mi' },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'data', mountPath: dataFolder },
      { name: 'join', mountPath: tokenFolder, readOnly: true },
    ],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: meta(app, namespace),
    spec: {
      replicas: 1,
      // The new pod is ready once it has shown that it can do the work and has taken over; until then
      // the old one stays.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      progressDeadlineSeconds: takeOverSeconds,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: app,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          securityContext: {
            runAsNonRoot: true,
            runAsUser: userId,
            runAsGroup: userId,
            fsGroup: userId,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [container],
          volumes: [
            // All of it is fetched again, or is in the Secrets.
            { name: 'data', emptyDir: { sizeLimit: '1Gi' } },
            // Used once: the Secret may be removed when the agent has joined.
            {
              name: 'join',
              secret: { secretName: `${app}-join`, defaultMode: 0o440, optional: true },
            },
          ],
        },
      },
    },
  }
}

function probe(path: string, periodSeconds: number) {
  return { httpGet: { path, port: 'health' }, periodSeconds }
}
