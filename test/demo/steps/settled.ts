import type { Deployment } from '../deployment.ts'
import { describeDeployment, imageOf, isReady, readDeployment } from '../deployment.ts'
import { expectThat } from '../expectation.ts'
import type { Stack } from '../stack.ts'

/** Cluster → the application's Deployment, as its API server has it now. */
export async function readDeployments(
  { clusters }: Stack,
  application: string,
): Promise<ReadonlyMap<string, Deployment>> {
  const found = clusters.map(
    async (cluster) => [cluster.name, await readDeployment(cluster, application)] as const,
  )
  return new Map(await Promise.all(found))
}

/**
 * Looks at the application on every cluster's API server.
 * @returns cluster → image, replicas and generation, for the report
 * @throws UnmetExpectation when one is not ready, or not of the image's tag if one is given
 */
export async function expectReadyEverywhere(stack: Stack, application: string, tag?: string) {
  const deployments = await readDeployments(stack, application)
  const seen = Object.fromEntries(
    [...deployments].map(([cluster, deployment]) => [cluster, describeDeployment(deployment)]),
  )
  const ready = [...deployments.values()].every(isReady)
  expectThat(ready, `Deployment ${application} ready on every cluster`, seen)
  const tagged = [...deployments.values()].every(
    (deployment) => tag === undefined || imageOf(deployment).endsWith(`:${tag}`),
  )
  expectThat(tagged, `Deployment ${application} of tag ${tag} on every cluster`, seen)
  return seen
}
