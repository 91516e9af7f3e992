import type { DemoCluster } from './cluster.ts'
import { UnmetExpectation } from './expectation.ts'

/** The members of an apps/v1 Deployment that steps look at. */
export interface Deployment {
  readonly metadata: {
    readonly uid: string
    readonly generation: number
    /** RFC 3339, whole seconds. */
    readonly creationTimestamp: string
  }
  readonly spec: { readonly replicas: number; readonly template: PodTemplate }
  readonly status: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly availableReplicas?: number
  }
}

interface PodTemplate {
  readonly spec: { readonly containers: readonly { readonly image: string }[] }
}

interface ReplicaSetList {
  readonly items: readonly { readonly spec: { readonly template: PodTemplate } }[]
}

/** The Deployment of one of the example's applications. @throws UnmetExpectation without one */
export async function readDeployment(
  cluster: DemoCluster,
  application: string,
): Promise<Deployment> {
  const path = `/apis/apps/v1/namespaces/${application}/deployments/${application}`
  const found = await cluster.read<Deployment>(path)
  if (!found) throw new UnmetExpectation(`Deployment ${application} on ${cluster.name}`, 'none')
  return found
}

/** Images that pods of the application were ever made from: its ReplicaSets remember. */
export async function readImageHistory(
  cluster: DemoCluster,
  application: string,
): Promise<string[]> {
  const path = `/apis/apps/v1/namespaces/${application}/replicasets`
  const list = await cluster.read<ReplicaSetList>(path)
  return (list?.items ?? []).map(({ spec }) => imageIn(spec.template))
}

export function imageOf(deployment: Deployment): string {
  return imageIn(deployment.spec.template)
}

/** Whether every replica is of the newest template and available, and no other is left. */
export function isReady({ metadata, spec, status }: Deployment): boolean {
  return (
    status.observedGeneration === metadata.generation &&
    status.replicas === spec.replicas &&
    status.updatedReplicas === spec.replicas &&
    status.availableReplicas === spec.replicas
  )
}

/** A Deployment as the report shows it. */
export function describeDeployment(deployment: Deployment) {
  const { spec, status, metadata } = deployment
  return {
    image: imageOf(deployment),
    ready: `${status.availableReplicas ?? 0}/${spec.replicas}`,
    generation: metadata.generation,
  }
}

function imageIn(template: PodTemplate): string {
  return template.spec.containers[0]?.image ?? ''
}
