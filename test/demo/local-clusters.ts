import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import type { ClusterPlace, Ring } from './cluster.ts'
import { say } from './progress.ts'

const rings: Readonly<Record<string, Ring>> = {
  lab: 'canary',
  paris: 'production',
  oregon: 'production',
}

/** Starts the example's three clusters; all of them are in one kubeconfig, a context each. */
export async function startLocalClusters(
  directory: string,
  stops: AsyncDisposableStack,
): Promise<ClusterPlace[]> {
  const planes = await Promise.all(
    Object.keys(rings).map(async (name) => {
      const plane = stops.use(await startControlPlane({ name, controllers: true, nodes: true }))
      say(`cluster ${name}: API server, controllers and a node that kwok plays (${plane.server})`)
      return plane
    }),
  )
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, formatKubeconfig(planes), { mode: 0o600 })
  return planes.map(({ name }) => ({ name, ring: rings[name]!, kubeconfig, context: name }))
}

/** JSON is YAML: no library needed. */
function formatKubeconfig(planes: readonly ControlPlane[]): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: planes.map(({ name, server, ca }) => ({
      name,
      cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
    })),
    users: planes.map(({ name, token }) => ({ name, user: { token } })),
    contexts: planes.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
    'current-context': planes[0]?.name,
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
