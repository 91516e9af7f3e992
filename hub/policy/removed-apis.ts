import type { RenderedObject } from '../render/engine.ts'
import type { Found } from './judge.ts'

/**
 * API versions that Kubernetes no longer serves: group and version, its kinds (all when null), the
 * first minor version of Kubernetes 1 without it, and what to write instead.
 * https://kubernetes.io/docs/reference/using-api/deprecation-guide/
 */
const removed: readonly (readonly [
  apiVersion: string,
  kinds: readonly string[] | null,
  since: number,
  instead: string,
])[] = [
  ['extensions/v1beta1', ['DaemonSet', 'Deployment', 'ReplicaSet'], 16, 'apps/v1'],
  ['extensions/v1beta1', ['NetworkPolicy'], 16, 'networking.k8s.io/v1'],
  ['extensions/v1beta1', ['PodSecurityPolicy'], 16, 'Pod Security Admission'],
  ['extensions/v1beta1', ['Ingress'], 22, 'networking.k8s.io/v1'],
  ['apps/v1beta1', null, 16, 'apps/v1'],
  ['apps/v1beta2', null, 16, 'apps/v1'],
  [
    'admissionregistration.k8s.io/v1beta1',
    ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
    22,
    'admissionregistration.k8s.io/v1',
  ],
  ['apiextensions.k8s.io/v1beta1', null, 22, 'apiextensions.k8s.io/v1'],
  ['apiregistration.k8s.io/v1beta1', null, 22, 'apiregistration.k8s.io/v1'],
  ['authentication.k8s.io/v1beta1', ['TokenReview'], 22, 'authentication.k8s.io/v1'],
  ['authorization.k8s.io/v1beta1', null, 22, 'authorization.k8s.io/v1'],
  ['certificates.k8s.io/v1beta1', ['CertificateSigningRequest'], 22, 'certificates.k8s.io/v1'],
  ['coordination.k8s.io/v1beta1', ['Lease'], 22, 'coordination.k8s.io/v1'],
  ['networking.k8s.io/v1beta1', ['Ingress', 'IngressClass'], 22, 'networking.k8s.io/v1'],
  ['rbac.authorization.k8s.io/v1beta1', null, 22, 'rbac.authorization.k8s.io/v1'],
  ['scheduling.k8s.io/v1beta1', ['PriorityClass'], 22, 'scheduling.k8s.io/v1'],
  [
    'storage.k8s.io/v1beta1',
    ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment'],
    22,
    'storage.k8s.io/v1',
  ],
  ['batch/v1beta1', ['CronJob'], 25, 'batch/v1'],
  ['discovery.k8s.io/v1beta1', ['EndpointSlice'], 25, 'discovery.k8s.io/v1'],
  ['events.k8s.io/v1beta1', ['Event'], 25, 'events.k8s.io/v1'],
  ['autoscaling/v2beta1', null, 25, 'autoscaling/v2'],
  ['policy/v1beta1', ['PodDisruptionBudget'], 25, 'policy/v1'],
  ['policy/v1beta1', ['PodSecurityPolicy'], 25, 'Pod Security Admission'],
  ['node.k8s.io/v1beta1', ['RuntimeClass'], 25, 'node.k8s.io/v1'],
  ['flowcontrol.apiserver.k8s.io/v1beta1', null, 26, 'flowcontrol.apiserver.k8s.io/v1'],
  ['autoscaling/v2beta2', null, 26, 'autoscaling/v2'],
  ['storage.k8s.io/v1beta1', ['CSIStorageCapacity'], 27, 'storage.k8s.io/v1'],
  ['flowcontrol.apiserver.k8s.io/v1beta2', null, 29, 'flowcontrol.apiserver.k8s.io/v1'],
  ['flowcontrol.apiserver.k8s.io/v1beta3', null, 32, 'flowcontrol.apiserver.k8s.io/v1'],
]

/** Objects in API versions that the cluster does not serve; only a warning where its version is not known. */
export function findRemovedApis(
  objects: readonly RenderedObject[],
  kubernetesVersion: string,
): Found[] {
  const minor = /^v?1\.(\d{1,3})/.exec(kubernetesVersion)?.[1]
  return objects.flatMap(({ id, apiVersion, file }) => {
    const row = removed.find(
      ([version, kinds]) => version === apiVersion && (kinds?.includes(id.kind) ?? true),
    )
    if (!row || (minor !== undefined && Number(minor) < row[2])) return []
    const [, , since, instead] = row
    const message = `Kubernetes 1.${since} and later serve no ${apiVersion} ${id.kind}; use ${instead}`
    const known = minor !== undefined
    return [{ rule: 'removed API', object: id, file, message, action: known ? 'deny' : 'warn' }]
  })
}
