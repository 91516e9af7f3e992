import { parseObjectId } from '@groundswell/proto/object-id.ts'

/** What is applied together: a stage starts when the one before has ended. */
export type Stage = 'setup' | 'config' | 'workload' | 'webhook'

export const stages: readonly Stage[] = ['setup', 'config', 'workload', 'webhook']

/** Kinds in the order they go in, as Flux has it; a kind not listed comes after all of these. */
const configKinds = [
  'ClusterRoleBinding',
  'ResourceQuota',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'Secret',
  'Service',
  'LimitRange',
] as const
const workloadKinds = ['Deployment', 'StatefulSet', 'CronJob', 'PodDisruptionBudget'] as const
const setupKinds = ['CustomResourceDefinition', 'Namespace', 'ClusterRole'] as const

const ranks = new Map<string, number>(
  [...setupKinds, ...configKinds, ...workloadKinds].map((kind, index) => [kind, index]),
)

/**
 * The stage of an object. `setup` is what others need to exist: definitions, namespaces, cluster
 * roles and classes. Admission webhooks go last, or they would judge the pods that serve them.
 */
export function stageOf(id: string): Stage {
  const { group, kind } = parseObjectId(id)
  if (kind === 'CustomResourceDefinition' || isClass(kind)) return 'setup'
  if (kind === 'Namespace' && group === '') return 'setup'
  if (kind === 'ClusterRole') return 'setup'
  if (group === 'admissionregistration.k8s.io' && kind.endsWith('WebhookConfiguration')) {
    return 'webhook'
  }
  return (configKinds as readonly string[]).includes(kind) ? 'config' : 'workload'
}

export function isNamespace(id: string): boolean {
  return id.startsWith('/Namespace/')
}

export function isDefinition(id: string): boolean {
  return id.startsWith('apiextensions.k8s.io/CustomResourceDefinition/')
}

/** Compares two object ids by stage, kind and name; the same everywhere, so that runs are alike. */
export function compareOrder(a: string, b: string): number {
  return (
    stages.indexOf(stageOf(a)) - stages.indexOf(stageOf(b)) ||
    rankOf(a) - rankOf(b) ||
    (a < b ? -1 : a > b ? 1 : 0)
  )
}

function rankOf(id: string): number {
  const { kind } = parseObjectId(id)
  // Classes stand between cluster roles and their bindings.
  if (isClass(kind)) return setupKinds.length - 0.5
  return ranks.get(kind) ?? ranks.size
}

function isClass(kind: string): boolean {
  return kind.endsWith('Class') && kind !== 'Class'
}
