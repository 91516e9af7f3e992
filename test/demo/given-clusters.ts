import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import { until } from '../support/until.ts'
import type { ClusterPlace, DemoCluster } from './cluster.ts'
import { applications } from './example.ts'
import { say } from './progress.ts'

/** Everything the demo makes in a cluster is in these; the last one holds the agent's inventories. */
const namespaces = [...applications, 'groundswell-system']

/** Finds the user's contexts; the first is the canary, the others are production. */
export async function findGivenClusters(contexts: readonly string[]): Promise<ClusterPlace[]> {
  const names = nameClusters(contexts)
  return Promise.all(
    contexts.map(async (context, at) => ({
      name: names[at]!,
      ring: at === 0 ? ('canary' as const) : ('production' as const),
      kubeconfig: await findKubeconfig(context),
      context,
    })),
  )
}

/** Context names → RFC 1123 labels, each once: `admin@my_cluster` → `admin-my-cluster`. */
export function nameClusters(contexts: readonly string[]): string[] {
  const given: string[] = []
  for (const context of contexts) {
    const slug = context
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(-50)
      .replace(/^-|-$/g, '')
    const base = slug || 'cluster'
    let name = base
    for (let n = 2; given.includes(name); n++) name = `${base}-${n}`
    given.push(name)
  }
  return given
}

/**
 * Waits for what an earlier demo deletes to be gone.
 * @throws Error when the demo would touch what is not its own, or one cluster is given twice
 */
export async function assertUnused(clusters: readonly DemoCluster[]): Promise<void> {
  const owners = new Map<string | undefined, string>()
  for (const cluster of clusters) {
    const uid = (await readNamespace(cluster, 'kube-system'))?.metadata.uid
    const other = owners.get(uid)
    if (other !== undefined) {
      throw new Error(`contexts ${other} and ${cluster.context} are the same cluster`)
    }
    owners.set(uid, cluster.context)
    for (const name of namespaces) await assertNoNamespace(cluster, name)
  }
}

async function assertNoNamespace(cluster: DemoCluster, name: string): Promise<void> {
  const { context } = cluster
  const found = await readNamespace(cluster, name)
  if (found === undefined) return
  if (found.metadata.deletionTimestamp === undefined) {
    throw new Error(
      `context ${context} has a namespace ${name} already; the demo takes over only what it made itself. If it is left from an earlier demo: kubectl --context ${context} delete namespace ${namespaces.join(' ')}`,
    )
  }
  say(`${cluster.name}: waiting for namespace ${name} to be gone`)
  await until(async () => (await readNamespace(cluster, name)) === undefined, {
    deadlineMs: 120_000,
    intervalMs: 500,
    what: `namespace ${name} on ${context} to be gone`,
  })
}

interface Namespace {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string }
}

function readNamespace(cluster: DemoCluster, name: string): Promise<Namespace | undefined> {
  return cluster.read<Namespace>(`/api/v1/namespaces/${name}`)
}

/** Deletes the demo's namespaces; called once its agent has ended. */
export async function clearCluster(cluster: DemoCluster): Promise<void> {
  say(`${cluster.name}: namespaces ${namespaces.join(', ')} are being deleted`)
  for (const name of namespaces) {
    await cluster.remove(`/api/v1/namespaces/${name}`).catch((error: unknown) => {
      say(`${cluster.name}: namespace ${name} is left behind: ${String(error)}`)
    })
  }
}

/** The first file of `KUBECONFIG`, or the usual one, that knows the context. */
async function findKubeconfig(context: string): Promise<string> {
  const listed = process.env['KUBECONFIG']?.split(delimiter).filter(Boolean) ?? []
  const files = listed.length > 0 ? listed : [join(homedir(), '.kube', 'config')]
  const faults: string[] = []
  for (const kubeconfig of files) {
    try {
      await loadConnection({ kubeconfig, context })
      return kubeconfig
    } catch (error) {
      faults.push((error as Error).message)
    }
  }
  throw new Error(`--context ${context}: ${faults.join('; ')}`)
}
