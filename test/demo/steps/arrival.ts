import type { ClusterView } from '../../../hub/api/views.ts'
import { expectThat } from '../expectation.ts'
import type { Stack } from '../stack.ts'

/** Everything is up: each cluster is enrolled, connected and of its group, and runs nothing of ours. */
export async function describeArrival(stack: Stack): Promise<Record<string, unknown>> {
  const views = await Promise.all(
    stack.clusters.map(async ({ name, ring }) => {
      const cluster = await stack.hub.api.get<ClusterView>(`clusters/${name}`)
      const { lifecycle, connection, groups, kubernetesVersion, applications } = cluster
      const arrived = lifecycle === 'Enrolled' && connection.state === 'Connected'
      expectThat(arrived, `${name} enrolled and connected`, { lifecycle, connection })
      expectThat(groups.join() === ring, `${name} in group ${ring}`, groups)
      expectThat(applications.length === 0, `no application on ${name} yet`, applications)
      return [name, { group: ring, kubernetesVersion, connection: connection.state }] as const
    }),
  )
  return { hub: stack.hub.url, clusters: Object.fromEntries(views) }
}
