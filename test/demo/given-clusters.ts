import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
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

/** @throws Error when the demo would touch something that is not its own */
export async function assertNothingOfOurs(cluster: DemoCluster): Promise<void> {
  for (const name of namespaces) {
    if ((await cluster.read(`/api/v1/namespaces/${name}`)) === undefined) continue
    throw new Error(
      `context ${cluster.context} has a namespace ${name} already; the demo takes over only what it made itself. If it is left from an earlier demo: kubectl --context ${cluster.context} delete namespace ${namespaces.join(' ')}`,
    )
  }
}

/** Deletes the demo's namespaces; called once its agent has ended. */
export async function clearCluster(cluster: DemoCluster): Promise<void> {
  say(`${cluster.name}: deleting namespaces ${namespaces.join(', ')}`)
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
